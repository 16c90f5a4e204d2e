"""The history of runs: what pages, routes and the command line read and write."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import NotFound, UserError
from ..sentences import Sentence
from .ballots import Ballot, Ballots
from .compare import Difference, Strip, differences, grids, strips
from .notes import Notes, change_notes
from .past import Past
from .results import Result, results
from .search import Page, Query, search
from .space import free, measure, require_kinds, require_over

MOST_COMPARED = 8
KEPT_SECONDS = 20.0
"""For how long the measure of a run's files holds."""

Freed = Callable[[str, Collection[str]], None]


@dataclass(frozen=True)
class Comparison:
    """Runs beside each other."""

    runs: Sequence[Past]
    differences: Sequence[Difference]
    strips: Sequence[Strip]
    grids: Sequence[Strip]
    results: Sequence[Result]


@dataclass(frozen=True)
class Room:
    """What freeing would give, or gave: bytes by run and kind, and why runs keep all of theirs."""

    bytes: dict[str, dict[str, int]]
    refused: dict[str, str]

    @property
    def total(self) -> int:
        return sum(sum(kinds.values()) for kinds in self.bytes.values())


class History:
    """Past runs as one reader may see them: `runs` gives these, as they are at the moment.

    `freed` is told which kinds of files of which run have gone. `voter` is who votes here.
    """

    def __init__(
        self,
        runs: Callable[[], Sequence[Past]],
        ballots: Ballots | None = None,
        *,
        voter: str = "",
        freed: Freed = lambda run, kinds: None,
    ) -> None:
        self._runs, self._freed, self._voter = runs, freed, voter
        self.ballots = ballots or Ballots()

    def every(self) -> Sequence[Past]:
        """All of them."""
        return self._runs()

    def search(self, query: Query) -> Page:
        """Raises UserError for an order that there is not."""
        return search(self._runs(), query, lambda run: sum(self.sizes(run).values()))

    def get(self, run_id: str) -> Past:
        """Raises NotFound."""
        found = next((run for run in self._runs() if run.id == run_id), None)
        if found is None:
            raise NotFound(Sentence("no_job", "There is no run '{id}' (any more).", id=run_id))
        return found

    def several(self, ids: Sequence[str], least: int = 1) -> list[Past]:
        """The runs of these ids, each once, in their order. Raises NotFound, UserError for too few or too many."""
        ids = list(dict.fromkeys(ids))
        if not least <= len(ids) <= MOST_COMPARED:
            sentence = "Choose {least} to {most} different runs, not {count}."
            raise UserError(Sentence("runs_chosen", sentence, least=least, most=MOST_COMPARED, count=len(ids)))
        known = {run.id: run for run in self._runs()}
        missing = next((run_id for run_id in ids if run_id not in known), None)
        if missing is not None:
            raise NotFound(Sentence("no_job", "There is no run '{id}' (any more).", id=missing))
        return [known[run_id] for run_id in ids]

    def compare(self, ids: Sequence[str]) -> Comparison:
        """Raises NotFound, UserError."""
        runs = self.several(ids, least=2)
        return Comparison(runs, differences(runs), strips(runs), grids(runs), results(runs))

    def note(self, run_id: str, **changes: Any) -> Notes:
        """Change a run's `rating`, `comment` or `archived`. Raises NotFound, UserError."""
        return change_notes(self.get(run_id).notes_file, **changes)

    def ballot(self, ids: Sequence[str]) -> Ballot:
        """Two pictures to choose from. Raises NotFound, UserError."""
        return self.ballots.draw(self.several(ids, least=2), self._voter)

    def picture(self, ballot_id: str, side: str) -> bytes:
        """Raises NotFound."""
        return self.ballots.get(ballot_id, self._voter).picture(side)

    def vote(self, ballot_id: str, choice: str) -> Ballot:
        """The ballot, whose sides may be known now. Raises NotFound, UserError."""
        return self.ballots.cast(ballot_id, choice, self._voter)

    def results(self, ids: Sequence[str]) -> list[Result]:
        return results(self.several(ids, least=2))

    def sizes(self, run: Past) -> dict[str, int]:
        """Bytes by kind, as they were a moment ago."""
        return _measures.of(run)

    def room(self, ids: Sequence[str], kinds: Collection[str], *, really: bool = False) -> Room:
        """What would be freed of these runs, and with `really` is. Raises NotFound, UserError for unknown kinds."""
        require_kinds(kinds)
        known = {run.id: run for run in self._runs()}
        taken: dict[str, dict[str, int]] = {}
        refused: dict[str, str] = {}
        for run_id in dict.fromkeys(ids):
            run = known.get(run_id) or self.get(run_id)
            try:
                require_over(run)
                if really:
                    taken[run_id] = {kind: free(run, [kind]) for kind in kinds}
                    self._freed(run_id, kinds)
                    _measures.forget(run)
                else:
                    sizes = measure(run)
                    taken[run_id] = {kind: sizes[kind] for kind in kinds}
            except UserError as error:
                refused[run_id] = error.sentence
        return Room(taken, refused)


class _Measures:
    """What runs take, looked up again after a while: a list is asked for more often than files change."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, dict[str, int]]] = {}
        self._lock = threading.Lock()

    def of(self, run: Past) -> dict[str, int]:
        key, now = str(run.folder.path), time.monotonic()
        with self._lock:
            known = self._known.get(key)
        if known and now - known[0] < KEPT_SECONDS:
            return known[1]
        sizes = measure(run)
        with self._lock:
            self._known[key] = now, sizes
        return sizes

    def forget(self, run: Past) -> None:
        with self._lock:
            self._known.pop(str(run.folder.path), None)


_measures = _Measures()
