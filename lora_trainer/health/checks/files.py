"""Files: pictures and tables that cannot be read, and pictures that lie on their side."""

from __future__ import annotations

from collections.abc import Iterator

from ...sentences import Sentence
from ..findings import ERROR, HINT, WARNING, Finding
from ..fixes import AS_STORED, EXCLUDE, fix
from ..subject import Subject
from .table import CHECKS

UPRIGHT = 1


@CHECKS.register("unreadable")
def unreadable(subject: Subject) -> Iterator[Finding]:
    found = {case.path: as_sentence(case.problem) for case in subject.cases if case.look is None}
    if found:
        yield Finding(
            ERROR,
            Sentence(
                "health_unreadable", "Unreadable: {count} of {total} pictures.", count=len(found), **_total(subject)
            ),
            Sentence("health_unreadable_advice", "Store them anew as PNG or JPEG, or exclude them."),
            found,
            (fix(EXCLUDE, found),),
        )


@CHECKS.register("orientation")
def orientation(subject: Subject) -> Iterator[Finding]:
    """Cameras note how they were held. Editors that turn the picture itself may forget to take the note away."""
    found = {
        case.path: Sentence("health_turned", "EXIF orientation {orientation}", orientation=look.facts.orientation)
        for case, look in subject.seen
        if look.facts.orientation != UPRIGHT and not case.marks.orientation
    }
    if found:
        yield Finding(
            HINT,
            Sentence(
                "health_orientation",
                "Turned by what the camera noted (EXIF): {count} of {total} pictures.",
                count=len(found),
                **_total(subject),
            ),
            Sentence(
                "health_orientation_advice",
                "The run shows them as you see them here. If one lies on its side, use it as it is stored.",
            ),
            found,
            (fix(AS_STORED, found),),
        )


@CHECKS.register("tables")
def tables(subject: Subject) -> Iterator[Finding]:
    """Metadata tables, folders and marks that cannot be read, or that name what is not there."""
    found = {problem.path: as_sentence(problem.reason) for problem in subject.problems}
    if found:
        yield Finding(
            WARNING,
            Sentence("health_tables", "Unusable: {count} other files or entries.", count=len(found)),
            Sentence("health_tables_advice", "Correct the files or the entries of the table, or remove them."),
            found,
        )


def as_sentence(text: str) -> Sentence:
    return text if isinstance(text, Sentence) else Sentence("plain", "{text}", text=text)


def _total(subject: Subject) -> dict[str, int]:
    return {"total": len(subject.cases)}
