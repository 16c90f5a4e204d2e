"""The rule by which one save and one strength are proposed.

1. A judge knows likeness, and the best cell is nearer to the pictures than the base alone by more than chance explains
   (`SURE` standard errors of a difference of two cells). Then:
   a. Cells are left out whose side effects are too large: prompts without the word change by more than `MOST_CHANGE`
      of what lies between the base's own pictures, or less than `LEAST_FAITHFULNESS` of the prompt is left. Where that
      leaves nothing that has learned at least half as much as the best, the cells with the least side effects among
      those that have are taken, and it is said.
   b. Of the rest, cells are near that come within a tenth of the way from the base to the best of them, or within one
      standard error where that is more.
   c. Of the near ones the gentlest is proposed: the one that changes prompts without the word least; where nobody
      knows about them, that of the lowest strength. Changes within `EVEN` of each other are equal, and so the save with
      the lower validation loss comes first, then the lower strength, then the earlier save.
2. Nobody knows likeness, or it does not differ by more than chance. Then the save with the lowest validation loss is
   proposed (the last one where there is none), at the highest strength in `USUAL` that leaves prompts without the word
   alone; at `PLAIN` where none does or nobody knows. Never is a cell proposed out of noise.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..sentences import Sentence, from_json, to_json
from .sheet import Cell, Judgement

MOST_CHANGE, LEAST_FAITHFULNESS = 0.3, 0.25
NEAR = 0.1
SURE = 4.0
EVEN = 0.05
UNCHANGED = 0.15
"""Prompts without the word that change by less than this stay as they were."""
USUAL, PLAIN = (0.6, 1.0), 0.8
"""Strengths at which LoRAs are mostly used, and the one to name where nothing else is known."""


@dataclass(frozen=True)
class Proposal:
    """A save at a strength, and why: parts of a sentence with their numbers.

    `basis` is 'pictures' where likeness decided, 'validation', or 'last' where there was nothing to go by.
    """

    save: str
    step: int
    strength: float
    basis: str
    reasons: Sequence[str] = field(default_factory=tuple)

    @property
    def sentence(self) -> str:
        """The proposal in one English sentence."""
        save = f"Step {self.step}" if self.step else f"'{self.save}'"
        return f"{save} at {self.strength:g}: {', '.join(self.reasons)}."

    def to_json(self) -> dict[str, Any]:
        return {
            "save": self.save,
            "step": self.step,
            "strength": self.strength,
            "basis": self.basis,
            "reasons": [to_json(reason) for reason in self.reasons],
            "sentence": self.sentence,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Proposal:
        """Raises KeyError, TypeError, ValueError or AttributeError for what is none."""
        reasons = [from_json(reason) for reason in values["reasons"]]
        return cls(str(values["save"]), int(values["step"]), float(values["strength"]), str(values["basis"]), reasons)


@dataclass(frozen=True)
class Known:
    """What is known of the saves beside their pictures: {save: step}, {save: validation loss}, and the word."""

    steps: Mapping[str, int]
    losses: Mapping[str, float] = field(default_factory=dict)
    word: str = ""

    def loss(self, save: str) -> float:
        """Infinite where none was measured, so that it never comes first."""
        return self.losses.get(save, math.inf)

    def best(self, saves: Iterable[str]) -> str | None:
        """Of `saves` the one with the lowest validation loss; None where there is nothing to compare."""
        measured = [save for save in saves if save in self.losses]
        return min(measured, key=self.loss) if len(measured) > 1 else None


def propose(judgement: Judgement, known: Known) -> Proposal | None:
    """The proposal for what was drawn; None where nothing was, above strength 0."""
    cells = [cell for cell in judgement.cells if cell.strength > 0]
    if not cells:
        return None
    if (chance := _chance(judgement)) is not None:
        gains = _Gains(cells, judgement, chance)
        if gains.are_sure:
            return _by_pictures(gains, known)
        return _by_validation(cells, known, [gains.too_small()])
    return _by_validation(cells, known, [])


class _Gains:
    """How much nearer to the pictures each cell is than the base alone."""

    def __init__(self, cells: Sequence[Cell], judgement: Judgement, chance: float) -> None:
        self.cells = [cell for cell in cells if cell.score.likeness is not None]
        self.base, self.chance = judgement.bare.likeness or 0.0, chance
        self.most = self.of_best(self.cells)

    def of(self, cell: Cell) -> float:
        return (cell.score.likeness or 0.0) - self.base

    def of_best(self, cells: Sequence[Cell]) -> float:
        return max(map(self.of, cells))

    @property
    def are_sure(self) -> bool:
        return self.most > SURE * self.chance

    def near(self, cells: Sequence[Cell]) -> list[Cell]:
        """Those of `cells` that are as near to the pictures as the best of them, but for chance."""
        best = self.of_best(cells)
        margin = max(NEAR * best, self.chance)
        return [cell for cell in cells if self.of(cell) >= best - margin]

    def too_small(self) -> Sentence:
        return Sentence(
            "proposal_noise",
            "the pictures do not come nearer to yours by more than chance ({gain:.2f}, chance {chance:.2f})",
            gain=_figure(max(0.0, self.most)),
            chance=_figure(SURE * self.chance),
        )


def _chance(judgement: Judgement) -> float | None:
    """The standard error of a difference of two cells' likeness; None where likeness or chance is not known."""
    if judgement.bare.likeness is None or judgement.spread is None or not judgement.samples:
        return None
    return judgement.spread * math.sqrt(2 / judgement.samples)


def _by_pictures(gains: _Gains, known: Known) -> Proposal:
    mild = [cell for cell in gains.cells if _is_mild(cell)]
    remarks = []
    if not mild or gains.of_best(mild) < gains.most / 2:
        learned = [cell for cell in gains.cells if gains.of(cell) >= gains.most / 2]
        least = min(map(_harm, learned))
        mild = [cell for cell in learned if _harm(cell) <= least + EVEN]
        remarks.append(_nothing_mild(known))
    near = gains.near(mild)
    least = min(map(_harm, near))
    even = [cell for cell in near if _harm(cell) <= least + EVEN]
    chosen = min(even, key=lambda cell: (known.loss(cell.save), cell.strength, known.steps.get(cell.save, 0)))
    reasons = [_likeness(chosen, gains), *_unchanged(chosen, known), *_faithful(chosen)]
    reasons += _validated(chosen, gains.cells, known)
    return _proposal(chosen, known, "pictures", [*reasons, *remarks])


def _by_validation(cells: Sequence[Cell], known: Known, why: Sequence[Sentence]) -> Proposal:
    drawn = list(dict.fromkeys(cell.save for cell in cells))
    best = known.best(drawn)
    save = best or max(drawn, key=lambda one: known.steps.get(one, 0))
    of_save = sorted((cell for cell in cells if cell.save == save), key=lambda cell: cell.strength)
    chosen = _usual_strength(of_save)
    if save == best:
        reasons = [*_validated(chosen, cells, known), *_unchanged(chosen, known)]
        return _proposal(chosen, known, "validation", [*why, *reasons])
    last = Sentence("proposal_last", "it is the last save, and nothing else tells the saves apart")
    return _proposal(chosen, known, "last", [*why, last, *_unchanged(chosen, known)])


def _usual_strength(cells: Sequence[Cell]) -> Cell:
    """Of the cells of one save, the highest usual one that is known to be mild, else the plain one."""
    mild = [cell for cell in cells if USUAL[0] <= cell.strength <= USUAL[1] and _is_mild(cell)]
    if mild and any(cell.score.change is not None for cell in cells):
        return mild[-1]
    return min(cells, key=lambda cell: abs(cell.strength - PLAIN))


def _is_mild(cell: Cell) -> bool:
    change, faithfulness = cell.score.change, cell.score.faithfulness
    return (change is None or change <= MOST_CHANGE) and (faithfulness is None or faithfulness >= LEAST_FAITHFULNESS)


def _harm(cell: Cell) -> float:
    """The change of prompts without the word; the strength stands for it where it is not known.

    Faithfulness is no part of it: a picture that shows what was learned has less room for the rest, as it should.
    """
    return cell.strength if cell.score.change is None else cell.score.change


def _proposal(cell: Cell, known: Known, basis: str, reasons: Sequence[Sentence]) -> Proposal:
    return Proposal(cell.save, known.steps.get(cell.save, 0), cell.strength, basis, reasons)


# Reasons: parts of a sentence, with their numbers


def _figure(value: float | None) -> float:
    """As it is kept and sent."""
    return round(value or 0.0, 4)


def _likeness(cell: Cell, gains: _Gains) -> Sentence:
    if gains.of(cell) >= gains.most:
        return Sentence(
            "proposal_nearest",
            "nearest to your pictures ({likeness:.2f}; the base alone {base:.2f})",
            likeness=_figure(cell.score.likeness),
            base=_figure(gains.base),
        )
    return Sentence(
        "proposal_near",
        "near to your pictures ({likeness:.2f} of {most:.2f} at most; the base alone {base:.2f})",
        likeness=_figure(cell.score.likeness),
        most=_figure(gains.base + gains.most),
        base=_figure(gains.base),
    )


def _unchanged(cell: Cell, known: Known) -> list[Sentence]:
    change = cell.score.change
    if change is None:
        return []
    values = {"word": known.word, "change": _figure(change)}
    if change <= UNCHANGED:
        return [Sentence("proposal_unchanged", "prompts without '{word}' stay as they were ({change:.2f})", **values)]
    if change <= MOST_CHANGE:
        return [Sentence("proposal_changed", "prompts without '{word}' change little ({change:.2f})", **values)]
    return [Sentence("proposal_much_changed", "prompts without '{word}' change much ({change:.2f})", **values)]


def _faithful(cell: Cell) -> list[Sentence]:
    value = cell.score.faithfulness
    if value is None:
        return []
    if value < LEAST_FAITHFULNESS:
        return [
            Sentence("proposal_unfaithful", "the rest of a prompt is hardly heeded ({value:.2f})", value=_figure(value))
        ]
    return [Sentence("proposal_faithful", "the rest of a prompt is heeded ({value:.2f})", value=_figure(value))]


def _validated(cell: Cell, cells: Sequence[Cell], known: Known) -> list[Sentence]:
    if cell.save != known.best(dict.fromkeys(one.save for one in cells)):
        return []
    return [Sentence("proposal_validated", "validation is best here ({loss:.4f})", loss=_figure(known.loss(cell.save)))]


def _nothing_mild(known: Known) -> Sentence:
    if known.word:
        return Sentence(
            "proposal_harsh",
            "whatever shows what was learned changes prompts without '{word}' too, this the least",
            word=known.word,
        )
    return Sentence(
        "proposal_unheeding", "whatever shows what was learned heeds the rest of a prompt less, this the least"
    )
