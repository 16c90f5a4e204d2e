"""Captions as texts: their encodings, and their length in tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ...data.captions import with_trigger
from ...errors import UserError
from ...sentences import Sentence
from ...text.chunks import LENGTH, Chunker
from ...text.layout import TEXT_LAYOUTS
from ...text.prompt import Run
from ...text.tokenizer import load_tokenizer
from ..findings import HINT, WARNING, Finding, Fix
from ..fixes import TO_UTF8, fix, set_options
from ..subject import Subject
from .table import CHECKS

MOST_TOKENS = 3 * LENGTH
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
        needed = {path: _needed(text, subject.family) for path, text in captions.items()}
    except UserError:  # no vocabulary: the run itself says so
        return
    long = {path: need for path, need in needed.items() if need > subject.max_tokens}
    found: dict[Path, Sentence | None] = {
        path: Sentence("health_needs", "needs {tokens} tokens", tokens=need) for path, need in long.items()
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
            _longer(max(long.values()), subject.max_tokens),
        )


def _longer(need: int, limit: int) -> tuple[Fix, ...]:
    """The least limit that leaves nothing out, or the largest that there is."""
    least = min(MOST_TOKENS, -(-need // LENGTH) * LENGTH)
    return (set_options({"base.max_tokens": least}),) if least > limit else ()


def _needed(caption: str, family: str) -> int:
    """How many tokens a caption takes, with what is left free where a chunk ends early at a comma."""
    most = 0
    for layout in {encoder.flavour: encoder for encoder in TEXT_LAYOUTS.get(family).encoders}.values():
        tokenizer = load_tokenizer(layout.flavour)
        chunks = Chunker(tokenizer, tokenizer.end).chunks([Run(caption)])
        used = chunks[-1].tokens.index(tokenizer.end) - 1
        most = max(most, (len(chunks) - 1) * LENGTH + used)
    return most
