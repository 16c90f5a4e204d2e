"""What is worth telling: the occasions, and a notice of one of them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..sentences import Sentence, to_json

FINISHED, STOPPED, FAILED, WAITING = "finished", "stopped", "failed", "waiting"
INTERRUPTED, EMPTY, TEST = "interrupted", "empty", "test"
OCCASIONS = (FINISHED, STOPPED, FAILED, WAITING, INTERRUPTED, EMPTY)
"""In the order in which a page offers them; 'waiting' is a run that goes on only when somebody does something."""
USUAL = (FINISHED, FAILED, WAITING, INTERRUPTED, EMPTY)
"""What a new channel tells: whoever stops a run knows it."""


@dataclass(frozen=True)
class Notice:
    """One occasion. `title` fits a subject line, `sentences` say it with numbers, `facts` are for programs."""

    occasion: str
    title: Sentence
    sentences: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    at: float = field(default_factory=time.time)
    """Seconds of the clock."""
    id: str = field(default_factory=lambda: secrets.token_hex(6))

    @property
    def text(self) -> str:
        return " ".join(self.sentences)

    def plain(self) -> str:
        """Title and text, as one piece of plain text."""
        return f"{self.title}\n{self.text}" if self.text else str(self.title)

    def to_json(self) -> dict[str, Any]:
        """Plain values; title and sentences keep their codes, so that a page can translate them."""
        return {
            "id": self.id,
            "occasion": self.occasion,
            "title": to_json(self.title),
            "text": [to_json(one) for one in self.sentences],
            "facts": dict(self.facts),
            "at": self.at,
        }


def trial() -> Notice:
    """What the test button sends."""
    text = Sentence("notice_test_text", "Whoever reads this will learn how runs end.")
    return Notice(TEST, Sentence("notice_test", "Train LoRA: a test"), (text,))
