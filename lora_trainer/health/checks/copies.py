"""Copies: the same file more than once, and pictures that show the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ...sentences import Sentence
from ..findings import WARNING, Finding, Fix
from ..fixes import DELETE, EXCLUDE, fix
from ..likeness import groups_of_copies
from ..look import Look
from ..subject import Case, Subject
from .table import CHECKS

Seen = tuple[Case, Look]


@CHECKS.register("copies")
def copies(subject: Subject) -> Iterator[Finding]:
    """Files of the same bytes."""
    found = _copies(subject, _same_bytes(subject.seen))
    if found:
        yield Finding(
            WARNING,
            Sentence(
                "health_copies",
                "The same file once more: {count} of {total} pictures.",
                count=len(found),
                total=len(subject.cases),
            ),
            Sentence(
                "health_copies_advice",
                "A picture that is there twice counts twice. Keep one of each; to show one more often, use repeats.",
            ),
            found,
            _fixes(subject, found),
        )


@CHECKS.register("near_copies")
def near_copies(subject: Subject) -> Iterator[Finding]:
    """The same picture in another size, quality or brightness. Of each group, the largest picture is the original."""
    first = {group[0][0].path for group in _same_bytes(subject.seen)}
    seconds = {case.path for group in _same_bytes(subject.seen) for case, _ in group} - first
    shown = [pair for pair in subject.seen if pair[0].path not in seconds]
    groups = [[shown[place] for place in group] for group in groups_of_copies([look.fingerprint for _, look in shown])]
    found = _copies(subject, [sorted(group, key=_pixels, reverse=True) for group in groups])
    if found:
        yield Finding(
            WARNING,
            Sentence(
                "health_near_copies",
                "The same picture once more: {count} of {total} pictures.",
                count=len(found),
                total=len(subject.cases),
            ),
            Sentence(
                "health_near_copies_advice",
                "What is shown more often is learned more, and stiffly. Keep the best of each.",
            ),
            found,
            _fixes(subject, found),
        )


def _same_bytes(seen: Sequence[Seen]) -> list[list[Seen]]:
    by_digest: dict[str, list[Seen]] = {}
    for case, look in seen:
        by_digest.setdefault(look.facts.digest, []).append((case, look))
    return [group for group in by_digest.values() if len(group) > 1]


def _copies(subject: Subject, groups: Sequence[Sequence[Seen]]) -> dict[Path, Sentence | None]:
    """All but the first of each group, with the name of the first."""
    return {
        case.path: Sentence("health_copy_of", "the same as {name}", name=subject.names[original.path])
        for (original, _), *others in groups
        for case, _ in others
    }


def _fixes(subject: Subject, found: Mapping[Path, object]) -> tuple[Fix, ...]:
    exclude = fix(EXCLUDE, found)
    return (exclude, fix(DELETE, found)) if subject.may_delete else (exclude,)


def _pixels(seen: Seen) -> int:
    height, width = seen[1].facts.size
    return height * width
