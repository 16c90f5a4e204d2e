"""Copies of one picture whose captions cannot both be true."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...data.wording import without_words
from ...sentences import Sentence
from ..contradictions import contradictions
from ..findings import WARNING, Finding
from ..subject import Subject
from .table import CHECKS


@CHECKS.register("captions_contradict")
def contradicting(subject: Subject) -> Iterator[Finding]:
    """Those that say nothing are told elsewhere."""
    seen = [(case, look) for case, look in subject.seen if case.learned and case.caption.text]
    captions = [without_words(case.caption.text, filter(None, [case.trigger])) for case, _ in seen]
    found: dict[Path, Sentence | None] = {}
    for places in contradictions(captions, [look.fingerprint for _, look in seen]):
        for one, other in (places, places[::-1]):
            case, twin = seen[one][0], seen[other][0]
            found.setdefault(
                case.path,
                Sentence(
                    "health_contradicts",
                    "'{caption}', but {name}: '{other}'",
                    caption=case.caption.text,
                    name=subject.names[twin.path],
                    other=twin.caption.text,
                ),
            )
    if found:
        yield Finding(
            WARNING,
            Sentence(
                "health_captions_contradict",
                "The same picture under captions that contradict: {count} of {total} pictures.",
                count=len(found),
                total=len(subject.cases),
            ),
            Sentence(
                "health_captions_contradict_advice",
                "At least one of them says what is not there, and both are learned. Mend the captions, or keep one "
                "picture of each.",
            ),
            found,
        )
