"""Runs that were, on a server: found, compared, judged blind, remarked on, and cleared away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, cast

from ..wire import history as told
from .connection import Connection, place

Archived = Literal["no", "yes", "all"]
Choice = Literal["left", "right", "same"]
Kind = Literal["states", "saves", "samples", "grids", "caches"]
PAGE = 200
"""Runs of a page: as many as a server gives at once."""


class History:
    """The past of the runs that one may see. Wherever one is named, its id is meant."""

    def __init__(self, server: Connection) -> None:
        self._server = server

    def find(
        self,
        words: str = "",
        *,
        sort: str = "created",
        descending: bool = True,
        archived: Archived = "no",
        page: int = 0,
        size: int = 20,
    ) -> told.FoundRuns:
        """A page of the runs in which all words are found ('3*': at least three stars); `archived` are put away."""
        query = {"words": words, "sort": sort, "descending": "yes" if descending else "no"}
        query |= {"archived": archived, "page": str(page), "size": str(size)}
        return cast(told.FoundRuns, self._server.json("GET", "/history", query=query))

    def all(self, words: str = "", *, archived: Archived = "no") -> Iterator[told.PastRun]:
        """Every run in which all words are found, the newest first."""
        page, total = 0, 1
        while page * PAGE < total:
            found = self.find(words, archived=archived, page=page, size=PAGE)
            yield from found["runs"]
            page, total = page + 1, found["total"]

    def get(self, run: str) -> told.PastRunDetails:
        """One of them, with what was written down about where it ran."""
        return cast(told.PastRunDetails, self._server.json("GET", place("history", run)))

    def remark(
        self, run: str, *, rating: int | None = None, comment: str | None = None, archived: bool | None = None
    ) -> told.PastRun:
        """Give stars (1 to 5, 0 for none), write a remark, put away or take out again; what is not given stays."""
        given = {"rating": rating, "comment": comment, "archived": archived}
        return cast(told.PastRun, self._server.json("PUT", place("history", run), given))

    def compare(self, runs: Iterable[str]) -> told.Compared:
        """Runs beside each other: differing options, samples and grids (`Client.picture`), and what votes tell."""
        return cast(told.Compared, self._server.json("GET", "/history/compare", query={"jobs": ",".join(runs)}))

    def ballot(self, runs: Iterable[str]) -> told.Ballot:
        """Two pictures of these runs to choose from; whose they are, nobody is told before the vote."""
        return cast(told.Ballot, self._server.json("POST", "/history/ballots", {"jobs": [*runs]}))

    def pictures(self, ballot: told.Ballot) -> tuple[bytes, bytes]:
        """The left and the right one."""
        return self._server.content(f"/{ballot['left']}"), self._server.content(f"/{ballot['right']}")

    def vote(self, ballot: told.Ballot, choice: Choice) -> told.Voted:
        """Choose. The answer tells whose pictures they were, and what all votes tell by now."""
        return cast(
            told.Voted, self._server.json("POST", place("history", "ballots", ballot["id"]), {"choice": choice})
        )

    def free(self, runs: Iterable[str], kinds: Iterable[Kind], *, really: bool = False) -> told.Freed:
        """What would go of these runs' files; with `really` it is gone."""
        wish = {"jobs": [*runs], "kinds": [*kinds], "really": really}
        return cast(told.Freed, self._server.json("POST", "/history/free", wish))
