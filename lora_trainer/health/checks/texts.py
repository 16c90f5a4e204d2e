"""Captions as texts: their encodings, and their length in tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...data.captions import with_trigger
from ...errors import UserError
from ...options import walk
from ...sentences import Sentence
from ...text.length import tokens_cut_off
from ..findings import HINT, WARNING, Finding, Fix
from ..fixes import TO_UTF8, fix, set_options
from ..subject import Subject
from .table import CHECKS

LIMIT = "base.max_tokens"
GUESSED = ("gbk", "cp1252", "utf-16-le", "utf-16-be")
"""Codecs that nothing in the file names: another might give other letters."""


@CHECKS.register("encodings")
def encodings(subject: Subject) -> Iterator[Finding]:
    codecs = {case.path: case.caption.encoding for case in subject.cases if case.caption.encoding}
    found: dict[Path, Sentence | None] = {
        path: Sentence("health_encoding", "caption in {codec}", codec=codec)
        for path, codec in codecs.items()
        if codec != "utf-8"
    }
    if found:
        counts = Counter(codecs.values()).most_common()
        yield Finding(
            WARNING if any(codec in GUESSED for codec in codecs.values()) else HINT,
            Sentence(
                "health_encodings",
                "Not in UTF-8: {count} of {total} caption files ({codecs}).",
                count=len(found),
                total=len(codecs),
                codecs=", ".join(f"{count} x {codec}" for codec, count in counts),
            ),
            Sentence(
                "health_encodings_advice",
                "They are read all the same, but other programs may not. Look at their text here, then convert them.",
            ),
            found,
            (fix(TO_UTF8, found),),
        )


@CHECKS.register("tokens")
def tokens(subject: Subject) -> Iterator[Finding]:
    """Captions, trigger word and all, of which a part is cut off."""
    captions = {case.path: with_trigger(case.caption.text, case.trigger) for case in subject.cases}
    try:
        lost = tokens_cut_off(subject.family, captions.values(), subject.max_tokens)
    except UserError:  # no vocabulary: the run itself says so
        return
    found: dict[Path, Sentence | None] = {
        path: Sentence("health_lost", "{tokens} tokens at its end are cut off", tokens=lost[text])
        for path, text in captions.items()
        if text in lost
    }
    if found:
        yield Finding(
            WARNING,
            Sentence(
                "health_tokens",
                "Longer than {limit} tokens: {count} of {total} captions, whose ends are not seen.",
                count=len(found),
                total=len(captions),
                limit=subject.max_tokens,
            ),
            Sentence("health_tokens_advice", "Allow longer captions, or put first what matters."),
            found,
            _longer(subject, list(lost)),
        )


def _longer(subject: Subject, captions: Sequence[str]) -> tuple[Fix, ...]:
    """The least limit that leaves nothing out, or the highest that there is."""
    choices = next(option.choices for option in walk() if option.path == LIMIT)
    above = [choice for choice in choices if choice > subject.max_tokens]
    enough = (choice for choice in above if not tokens_cut_off(subject.family, captions, choice))
    higher = next(enough, max(above, default=0))
    return (set_options({LIMIT: higher}),) if higher else ()
