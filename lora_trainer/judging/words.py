"""Prompts with and without the word that calls up what was learned."""

from __future__ import annotations

import re
from collections.abc import Sequence

ELSEWHERE = "a landscape"
"""Stands in where prompts are nothing but the word: something that was surely not to be learned."""
_TAG = re.compile(r"<[^<>]*>")
_STRAY = re.compile(r"\b(?:an?|the|of|with|by|in)\s*(?=,|$)", re.IGNORECASE)


def has_word(prompt: str, word: str) -> bool:
    """Whether the word stands in the prompt as a whole word. Every prompt counts as having it where there is none."""
    return not word or bool(_pattern(word).search(prompt))


def without_word(prompt: str, word: str) -> str:
    """What is left of a prompt without the word and without tags such as <lora:name:1>, tidied."""
    text = _TAG.sub(" ", _pattern(word).sub(" ", prompt) if word else prompt)
    parts = [" ".join(_STRAY.sub("", part.strip()).split()) for part in text.split(",")]
    return ", ".join(part for part in parts if part)


def prompts_without(prompts: Sequence[str], word: str, most: int = 1) -> list[str]:
    """Up to `most` prompts to show what becomes of all that was not to be learned; none where there is no word."""
    if not word or any(not has_word(prompt, word) for prompt in prompts):
        return []
    rests = [rest for prompt in prompts if (rest := without_word(prompt, word))]
    return list(dict.fromkeys(rests))[:most] or [ELSEWHERE]


def _pattern(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9_]){re.escape(word.strip())}(?![A-Za-z0-9_])", re.IGNORECASE)
