"""Captions: missing, the same everywhere, without the trigger word, shared by two pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ...data.captions import with_trigger
from ...sentences import Sentence
from ..findings import HINT, WARNING, Finding, Fix
from ..fixes import FILL_CAPTIONS, WRITE_TRIGGER, fix
from ..subject import Case, Subject
from .table import CHECKS

FEWEST_ALIKE = 3
"""Fewer captions may be the same by chance."""


@CHECKS.register("captions_missing")
def missing(subject: Subject) -> Iterator[Finding]:
    cases = [case for case in subject.cases if not case.caption.text]
    found: dict[Path, Sentence | None] = {case.path: _state(case) for case in cases}
    if found:
        triggered = all(case.trigger for case in cases)
        yield Finding(
            HINT if triggered else WARNING,
            Sentence(
                "health_captions_missing",
                "No caption: {count} of {total} pictures.",
                count=len(found),
                total=len(subject.cases),
            ),
            Sentence(
                "health_captions_triggered",
                "The trigger word stands for it, which ties all that they show to that word. Describe what may change.",
            )
            if triggered
            else Sentence(
                "health_captions_missing_advice",
                "Describe what is to be seen in them, or set a trigger word that stands for it.",
            ),
            found,
            _written(subject, FILL_CAPTIONS, [case for case in cases if case.trigger]),
        )


@CHECKS.register("captions_equal")
def equal(subject: Subject) -> Iterator[Finding]:
    texts = Counter(case.caption.text for case in subject.cases if case.learned)
    (text, count) = texts.most_common(1)[0] if len(texts) == 1 else ("", 0)
    if not text or count < FEWEST_ALIKE:
        return
    only_word = any(case.trigger.casefold() == text.casefold() for case in subject.cases)
    yield Finding(
        HINT if only_word else WARNING,
        Sentence("health_captions_equal", "All {count} captions are the same: '{text}'.", count=count, text=text),
        Sentence(
            "health_captions_equal_advice",
            "All that the pictures show is tied to these words. Say in each caption what is different in it.",
        ),
    )


@CHECKS.register("trigger_missing")
def trigger_missing(subject: Subject) -> Iterator[Finding]:
    cases = [
        case
        for case in subject.cases
        if case.caption.text and with_trigger(case.caption.text, case.trigger) != case.caption.text
    ]
    if cases:
        yield Finding(
            HINT,
            Sentence(
                "health_trigger_missing",
                "Without the trigger word '{word}': {count} of {total} captions.",
                count=len(cases),
                total=len(subject.cases),
                word=cases[0].trigger,
            ),
            Sentence(
                "health_trigger_missing_advice",
                "The run puts it in front of them. Written into the captions, it is there for other programs too.",
            ),
            dict.fromkeys(case.path for case in cases),
            _written(subject, WRITE_TRIGGER, cases),
        )


@CHECKS.register("captions_shared")
def shared(subject: Subject) -> Iterator[Finding]:
    sharing = Counter(case.path.with_suffix("") for case in subject.cases)
    found = dict.fromkeys(
        case.path for case in subject.cases if sharing[case.path.with_suffix("")] > 1 and case.caption.file is not None
    )
    if found:
        yield Finding(
            WARNING,
            Sentence(
                "health_captions_shared",
                "The same name but for its ending: {count} of {total} pictures, which share a caption.",
                count=len(found),
                total=len(subject.cases),
            ),
            Sentence("health_captions_shared_advice", "Give them names of their own, or exclude all but one."),
            found,
        )


def _state(case: Case) -> Sentence:
    if case.caption.file is None:
        return Sentence("health_no_caption", "no caption file, and no line in a table")
    return Sentence("health_empty_caption", "'{file}' is empty", file=case.caption.file.name)


def _written(subject: Subject, kind: str, cases: list[Case]) -> tuple[Fix, ...]:
    """A fix that writes caption files; none where a table was named that wins over them."""
    return () if subject.data.metadata or not cases else (fix(kind, dict.fromkeys(case.path for case in cases)),)
