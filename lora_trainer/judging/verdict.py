"""All that is known of a grid of a run's saves: scores, and the proposal. It is kept in the run's folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..events import Event, Validated
from ..files.atomic import write_text
from .base import JUDGES, Settings
from .choice import Known, Proposal, propose
from .learned import Learned
from .score import judge
from .sheet import Judgement, Score, Sheet

VERSION = 1


@dataclass(frozen=True)
class Verdict:
    """A sheet, what judges say of it, and the save and strength that follow from that."""

    sheet: Sheet
    judgement: Judgement
    proposal: Proposal | None

    def to_json(self) -> dict[str, Any]:
        """Plain values: cells with their scores, what the figures are measured against, and the proposal."""
        return {
            **self.judgement.to_json(),
            "prompts": list(self.sheet.prompts),
            "without_word": self.sheet.without_word,
            "word": self.sheet.word,
            "proposal": self.proposal.to_json() if self.proposal else None,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any], sheet: Sheet, scores: Sequence[Score]) -> Verdict:
        """What `to_json` told of a sheet, with the scores of its pictures.

        Raises KeyError, TypeError, ValueError or AttributeError for what is none.
        """
        proposal = Proposal.from_json(values["proposal"]) if values["proposal"] else None
        return cls(sheet, Judgement.from_json(values, scores), proposal)

    def keep(self, path: Path) -> None:
        """Write it down, in place of what an earlier grid of the run said. Raises UserError."""
        values = {"version": VERSION, "made": time.time(), **self.to_json()}
        write_text(path, json.dumps(values, indent=1, ensure_ascii=False))


def read_verdict(path: Path) -> dict[str, Any] | None:
    """What `keep` wrote; None where there is nothing, or nothing sound."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return values if isinstance(values, dict) and values.get("version") == VERSION else None


def verdict(
    sheet: Sheet,
    known: Known,
    learned: Sequence[Learned],
    settings: Settings,
    given_up: Callable[[], bool] = lambda: False,
) -> Verdict:
    """Let every judge look at the sheet, and apply the rule. Raises LeftOff when `given_up` holds meanwhile."""
    judgement = judge(sheet, [build(settings) for build in JUDGES], learned, given_up)
    return Verdict(sheet, judgement, propose(judgement, known))


def known_of(events: Iterable[Event], steps: Mapping[str, int], word: str) -> Known:
    """What a run's events tell of its saves: the validation loss at each one's step."""
    losses = {event.step: event.loss for event in events if isinstance(event, Validated)}
    return Known(steps, {save: losses[step] for save, step in steps.items() if step in losses}, word)
