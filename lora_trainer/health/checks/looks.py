"""What pictures look like: blurred, with a border, transparent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...data.marks import Box
from ...sentences import Sentence
from ..findings import HINT, WARNING, Finding
from ..fixes import CUT_BORDERS, EXCLUDE, fix, set_options
from ..sharpness import BLURRED
from ..subject import Subject
from .table import CHECKS

CLEAR = 0.005
"""Share of a picture that may be transparent without a word: rounded corners of screenshots."""


@CHECKS.register("blurred")
def blurred(subject: Subject) -> Iterator[Finding]:
    found = {
        case.path: Sentence("health_sharpness", "sharpness {value}", value=f"{look.sharpness:.2f}")
        for case, look in subject.seen
        if look.sharpness is not None and look.sharpness < BLURRED
    }
    if found:
        yield Finding(
            WARNING,
            Sentence(
                "health_blurred",
                "Blurred: {count} of {total} pictures, without one sharp edge (sharpness below {least}).",
                count=len(found),
                total=len(subject.cases),
                least=BLURRED,
            ),
            Sentence(
                "health_blurred_advice",
                "A LoRA learns blur as a part of its subject. Take sharper ones, or exclude them.",
            ),
            found,
            (fix(EXCLUDE, found),),
        )


@CHECKS.register("borders")
def borders(subject: Subject) -> Iterator[Finding]:
    boxes = {case.path: look.border for case, look in subject.seen if look.border is not None}
    found: dict[Path, Sentence | None] = {path: _kept(box) for path, box in boxes.items()}
    if found:
        yield Finding(
            WARNING,
            Sentence(
                "health_borders",
                "A border of one colour: {count} of {total} pictures.",
                count=len(found),
                total=len(subject.cases),
            ),
            Sentence(
                "health_borders_advice",
                "Borders are learned and drawn. Cut them off: the files stay as they are, the run shows the rest.",
            ),
            found,
            (fix(CUT_BORDERS, found),),
        )


@CHECKS.register("transparency")
def transparency(subject: Subject) -> Iterator[Finding]:
    if subject.data.masks:  # then it is what tells the subject from the ground
        return
    found = {
        case.path: Sentence("health_clear", "{share} % of it is transparent", share=max(1, round(100 * look.clear)))
        for case, look in subject.seen
        if look.clear > CLEAR and case.file.mask is None
    }
    if found:
        yield Finding(
            HINT,
            Sentence(
                "health_transparency",
                "Partly transparent, which is shown as white: {count} of {total} pictures.",
                count=len(found),
                total=len(subject.cases),
            ),
            Sentence(
                "health_transparency_advice",
                "A white ground is learned with them. With masks turned on, what is transparent does not count.",
            ),
            found,
            (set_options({"data.masks": True}),),
        )


def _kept(box: Box) -> Sentence:
    width, height = (round(100 * side) for side in box.fractions()[2:])
    return Sentence(
        "health_kept",
        "{width} % of the width and {height} % of the height are left without it",
        width=width,
        height=height,
    )
