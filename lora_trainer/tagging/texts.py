"""What can be done to a caption as a text: words replaced, put in front and behind. Sentences need no commas."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import UserError
from ..sentences import Sentence
from .tags import key

PATIENCE = 2.0
"""Seconds that a pattern may take for one caption: some take years."""


@dataclass(frozen=True)
class ReplaceText:
    """Put `new` in place of a text wherever it stands; `words`: only where it stands as whole words."""

    find: str
    new: str = ""
    words: bool = False
    match_case: bool = False

    def __post_init__(self) -> None:
        if not self.find:
            raise UserError(Sentence("find_empty", "Say which text is to be replaced."))

    def __call__(self, caption: str, places: Mapping[str, int]) -> str:
        found = re.escape(self.find)
        pattern = _whole(found) if self.words else found
        after = re.sub(pattern, lambda _: self.new, caption, flags=0 if self.match_case else re.IGNORECASE)
        return caption if after == caption else _tidy(after)


@dataclass(frozen=True)
class ReplacePattern:
    """Put `new`, which may name groups (\\1), in place of what a regular expression finds."""

    pattern: str
    new: str = ""
    match_case: bool = False

    def __post_init__(self) -> None:
        if not self.pattern:
            raise UserError(Sentence("find_empty", "Say which text is to be replaced."))
        self._compiled()

    def __call__(self, caption: str, places: Mapping[str, int]) -> str:
        import regex

        try:
            after = self._compiled().sub(self.new, caption, timeout=PATIENCE)
            return caption if after == caption else _tidy(after)
        except TimeoutError:
            sentence = "The pattern '{pattern}' takes too long: write it without repetitions inside of repetitions."
            raise UserError(Sentence("pattern_slow", sentence, pattern=self.pattern)) from None
        except (regex.error, IndexError) as error:
            sentence = "'{new}' cannot be put in place of what '{pattern}' finds: {reason}."
            reason = str(error)
            raise UserError(
                Sentence("pattern_new_wrong", sentence, new=self.new, pattern=self.pattern, reason=reason)
            ) from error

    def _compiled(self) -> Any:
        """From the package regex, which text encoders' tokenizers need anyway: unlike `re` it can be given up."""
        import regex

        try:
            return regex.compile(self.pattern, 0 if self.match_case else regex.IGNORECASE)
        except (regex.error, RecursionError, OverflowError) as error:
            sentence = "'{pattern}' is no regular expression: {reason}."
            raise UserError(Sentence("pattern_wrong", sentence, pattern=self.pattern, reason=str(error))) from error


@dataclass(frozen=True)
class FrontText:
    """Begin every caption with a text, unless it begins with it."""

    text: str

    def __call__(self, caption: str, places: Mapping[str, int]) -> str:
        if key(caption).startswith(key(self.text.strip())):
            return caption
        return _tidy(f"{self.text.strip()} {caption}")


@dataclass(frozen=True)
class EndText:
    """End every caption with a text, unless it ends with it. Punctuation follows without a space."""

    text: str

    def __call__(self, caption: str, places: Mapping[str, int]) -> str:
        text = self.text.strip()
        if key(caption).endswith(key(text)):
            return caption
        return _tidy(f"{caption}{'' if text[:1] in tuple(',.;:!?') else ' '}{text}")


def without_word(text: str, word: str, instead: str = "") -> str:
    """The text with `instead` wherever a word stood as a whole one."""
    after = re.sub(_whole(re.escape(word)), lambda _: instead, text, flags=re.IGNORECASE)
    return text if after == text else _tidy(after)


def _whole(pattern: str) -> str:
    return rf"(?<![A-Za-z0-9_]){pattern}(?![A-Za-z0-9_])"


def _tidy(text: str) -> str:
    """On one line, without what is left where something was taken out: two spaces, two commas."""
    text = " ".join(text.split())
    text = re.sub(r"\s+,", ",", text)
    return re.sub(r"(,\s*){2,}", ", ", text).strip(" ,")
