"""Finding runs: by words, in an order, a page at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import UserError
from ..sentences import Sentence
from .past import Past

STARS = "*★"
NO, YES, ALL = "no", "yes", "all"
"""Whether runs that are put away are looked for: not, these alone, or as all others."""
LARGEST_PAGE = 200


@dataclass(frozen=True)
class Query:
    """What is looked for. `words` must all be there: in name, base, trigger word, remark, preset, state, owner or date.

    A word of stars ('***' or '3*') asks for at least as many.
    """

    words: str = ""
    sort: str = "created"
    descending: bool = True
    archived: str = NO
    page: int = 0
    size: int = 20


@dataclass(frozen=True)
class Page:
    """A page of what was found; `total` counts all of it."""

    runs: Sequence[Past]
    total: int


def search(runs: Sequence[Past], query: Query, sizes: Callable[[Past], int]) -> Page:
    """Raises UserError for an order that there is not. `sizes` tells the bytes of a run."""
    orders = _orders(sizes)
    if query.sort not in orders or query.archived not in (NO, YES, ALL):
        sentence = "Runs are sorted by {known}, not by '{sort}'; 'archived' is no, yes or all."
        raise UserError(Sentence("history_order", sentence, known=", ".join(orders), sort=query.sort))
    words = query.words.casefold().split()
    found = [run for run in runs if _looked_at(run, query.archived) and _matches(run, words)]
    order = orders[query.sort]
    known = sorted((run for run in found if order(run) is not None), key=order, reverse=query.descending)
    found = [*known, *(run for run in found if order(run) is None)]
    size = max(1, min(LARGEST_PAGE, query.size))
    start = max(0, query.page) * size
    return Page(found[start : start + size], len(found))


def _looked_at(run: Past, archived: str) -> bool:
    return archived == ALL or run.notes.archived == (archived == YES)


def _orders(sizes: Callable[[Past], int]) -> Mapping[str, Callable[[Past], Any]]:
    return {
        "created": lambda run: run.created,
        "name": lambda run: run.name.casefold(),
        "rating": lambda run: run.notes.rating or None,
        "loss": lambda run: run.facts.loss,
        "validation": lambda run: run.facts.validation,
        "seconds": lambda run: run.facts.seconds or None,
        "size": sizes,
    }


def _matches(run: Past, words: Sequence[str]) -> bool:
    plain = [word for word in words if not _stars(word)]
    if any(run.notes.rating < _stars(word) for word in words):
        return False
    text = _text(run) if plain else ""
    return all(word in text for word in plain)


def _stars(word: str) -> int:
    """The number of stars that a word asks for; 0 for any other word."""
    number = word.rstrip(STARS)
    if number == word:
        return 0
    return int(number) if number.isdecimal() else 0 if number else len(word)


def _text(run: Past) -> str:
    facts = run.facts
    moments = [time.strftime("%Y-%m-%d %H:%M", time.localtime(moment)) for moment in (run.created, run.ended) if moment]
    parts = (run.name, run.base, facts.family or "", run.trigger_word, run.notes.comment, run.preset, run.state)
    return "\n".join((*parts, run.owner, run.dataset, *moments)).casefold()
