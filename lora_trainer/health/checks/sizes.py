"""Sizes: pictures that are too small for the resolution, too long for the buckets, or cut by a square."""

from __future__ import annotations

from collections.abc import Iterator

from ...data.framing import growth, scaled_size
from ...data.records import Picture
from ...data.scan import ENLARGED
from ...sentences import Sentence
from ..findings import HINT, WARNING, Finding
from ..fixes import EXCLUDE, fix, set_options
from ..subject import Subject
from .table import CHECKS

SLIGHTLY_ENLARGED = 1.25
"""An enlargement that begins to be seen: a quarter of the pixels of each row are made up."""
LONGEST = 3.0
"""Long side to short side. At 3, a picture is trained at 58 % of a square's height."""
MOST_CUT = 0.2
"""Share of a picture's area that a crop may leave out without a word. Buckets alone leave out 14 % at most."""


@CHECKS.register("too_small")
def too_small(subject: Subject) -> Iterator[Finding]:
    """Pictures that `data.upscale = false` leaves out."""
    found = {case.path: case.problem for case, _ in subject.seen if case.picture is None}
    if found:
        yield Finding(
            WARNING,
            Sentence(
                "health_too_small",
                "Too small for the buckets and left out: {count} of {total} pictures.",
                count=len(found),
                total=len(subject.cases),
            ),
            Sentence("health_too_small_advice", "Let them be enlarged, take larger ones, or exclude them."),
            {path: problem if isinstance(problem, Sentence) else None for path, problem in found.items()},
            (set_options({"data.upscale": True}), fix(EXCLUDE, found)),
        )


@CHECKS.register("enlarged")
def enlarged(subject: Subject) -> Iterator[Finding]:
    grown = {case.path: (picture, growth(picture)) for case, picture in subject.usable}
    for severity, least, most in ((WARNING, ENLARGED, float("inf")), (HINT, SLIGHTLY_ENLARGED, ENLARGED)):
        found = {path: _times(*pair) for path, pair in grown.items() if least < pair[1] <= most}
        if found:
            yield Finding(
                severity,
                Sentence(
                    "health_enlarged",
                    "Enlarged more than {times} times to the resolution of {resolution}: {count} of {total} pictures.",
                    count=len(found),
                    total=len(subject.cases),
                    resolution=subject.data.resolution,
                    times=least,
                ),
                Sentence(
                    "health_enlarged_advice",
                    "What is enlarged is learned as blur. Take larger originals, train at a lower resolution, or "
                    "exclude them.",
                ),
                found,
                (fix(EXCLUDE, found),),
            )


@CHECKS.register("aspect")
def aspect(subject: Subject) -> Iterator[Finding]:
    found = {
        case.path: Sentence("health_shape", "{width} x {height} pixels", width=picture.size[1], height=picture.size[0])
        for case, picture in subject.usable
        if max(picture.size) >= LONGEST * min(picture.size)
    }
    if found:
        yield Finding(
            WARNING,
            Sentence(
                "health_aspect",
                "Long strips: {count} of {total} pictures, at least {times} times as long as they are wide or high.",
                count=len(found),
                total=len(subject.cases),
                times=f"{LONGEST:g}",
            ),
            Sentence(
                "health_aspect_advice", "Such strips are trained small. Cut out the part that matters, or exclude them."
            ),
            found,
            (fix(EXCLUDE, found),),
        )


@CHECKS.register("cut_off")
def cut_off(subject: Subject) -> Iterator[Finding]:
    shares = {case.path: _cut(picture) for case, picture in subject.usable if case.marks.crop is None}
    found = {
        path: Sentence("health_cut", "{share} % of it is cut off", share=round(100 * share))
        for path, share in shares.items()
        if share > MOST_CUT
    }
    if found:
        yield Finding(
            HINT,
            Sentence(
                "health_cut_off",
                "More than {share} % of the area cut off: {count} of {total} pictures.",
                count=len(found),
                total=len(subject.cases),
                share=round(100 * MOST_CUT),
            ),
            Sentence(
                "health_cut_off_advice",
                "Turn buckets on, which keep the shapes of pictures; or see to it that the crop shows what matters.",
            ),
            found,
            () if subject.data.buckets else (set_options({"data.buckets": True}),),
        )


def _cut(picture: Picture) -> float:
    """The share of the scaled picture's area that lies outside the crop."""
    (height, width), bucket = scaled_size(picture), picture.bucket
    return 1 - bucket[0] * bucket[1] / (height * width)


def _times(picture: Picture, times: float) -> Sentence:
    height, width = picture.size
    return Sentence(
        "health_times",
        "{width} x {height} pixels, enlarged {times} times",
        width=width,
        height=height,
        times=round(times, 1),
    )
