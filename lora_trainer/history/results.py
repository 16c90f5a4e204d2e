"""What votes tell: how often each run won, and whether that is more than chance."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from .past import Past

FEWEST = 6
"""Votes for one or the other below which even unanimity may be chance: 2 * 0.5**5 is more than 0.05."""
CHANCE = 0.05
Z = 1.959964
"""Of the normal distribution, for an interval that holds the true share 95 times of 100."""
FEW, OPEN, TOLD = "few", "open", "told"


@dataclass(frozen=True)
class Result:
    """Votes between two runs: `wins` of the first and the second, and `ties`, which tell for neither.

    `share` is that of the first one's wins, `low` and `high` its 95 % interval (Wilson), None without any vote for one
    of them. `chance` is how often a fair coin would fall as unevenly (exact, both sides). `verdict`: few votes, open,
    or told: then `better` is the id of the run that won more often.
    """

    runs: tuple[str, str]
    wins: tuple[int, int]
    ties: int
    share: float | None
    low: float | None
    high: float | None
    chance: float
    verdict: str
    better: str


def results(runs: Sequence[Past]) -> list[Result]:
    """The votes between each two of the runs, those without any left out."""
    found = (_between(one, other) for one, other in itertools.combinations(runs, 2))
    return [result for result in found if result.ties or sum(result.wins)]


def _between(one: Past, other: Past) -> Result:
    votes = [vote for vote in one.notes.votes if vote.other == other.id]
    votes += [vote for vote in other.notes.votes if vote.other == one.id]
    first, second = (sum(vote.won == run.id for vote in votes) for run in (one, other))
    return told((one.id, other.id), first, second, len(votes) - first - second)


def told(runs: tuple[str, str], first: int, second: int, ties: int = 0) -> Result:
    """What so many wins of two runs tell."""
    count, chance = first + second, by_chance(first, second)
    low, high = interval(first, count) if count else (None, None)
    sure = low is not None and high is not None and (low > 0.5 or high < 0.5) and chance < CHANCE
    verdict = FEW if count < FEWEST else TOLD if sure else OPEN
    better = (runs[0] if first > second else runs[1]) if verdict == TOLD else ""
    share = first / count if count else None
    return Result(runs, (first, second), ties, share, low, high, chance, verdict, better)


def interval(wins: int, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Wilson 1927); it stays between 0 and 1 and holds for small counts."""
    share, weight = wins / count, Z * Z / count
    middle = (share + weight / 2) / (1 + weight)
    half = Z * math.sqrt(share * (1 - share) / count + weight / (4 * count)) / (1 + weight)
    return max(0.0, middle - half), min(1.0, middle + half)


def by_chance(first: int, second: int) -> float:
    """The two-sided exact sign test: how likely a fair coin is at least as uneven."""
    count, most = first + second, max(first, second)
    tail = sum(math.comb(count, k) for k in range(most, count + 1))
    return min(1.0, float(2 * tail / 2**count)) if count else 1.0
