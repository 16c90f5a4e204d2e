"""A grid: pictures of a run's saves at rising strengths, with what is said of them; whoever draws it, and whenever."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..history.shots import GRIDS
from .job import Job
from .tryout_request import TriedCell, TryOutRequest, usual_saves

if TYPE_CHECKING:
    from ..judging.verdict import Verdict
    from .turn import Ticket

WAITING, DRAWING, JUDGING = "waiting", "drawing", "judging"
DONE, STOPPED, FAILED = "done", "stopped", "failed"
OPEN = (WAITING, DRAWING, JUDGING)


class Grid:
    """What a grid is. Of itself it is one to which nothing is added any more, as an earlier program left it.

    `automatic`: nobody asked for it. `single` ones are looked at by themselves: they are not the grid of their job.
    """

    def __init__(
        self,
        job: Job,
        request: TryOutRequest,
        grid_id: str,
        seed: int,
        *,
        state: str = STOPPED,
        automatic: bool = False,
        single: bool = False,
    ) -> None:
        self.id, self.job, self.request, self.seed = grid_id, job, request, seed
        self.state, self.automatic, self.single = state, automatic, single
        self.problem = ""
        """Why it came to nothing more; empty when there is nothing to say."""
        self.cells: list[TriedCell] = []
        self.steps: dict[str, int] = {}
        """The steps of the saves as they were drawn: a run that goes on gives its last save another name."""
        self.beside: dict[tuple[int, int], Path] = {}
        """What the base alone drew to compare the cells with, by (prompt, seed)."""
        self.verdict: Verdict | None = None
        self.folder = job.folder.path / GRIDS / grid_id

    @property
    def saves(self) -> list[str]:
        return list(self.request.saves) or usual_saves(self.job)

    @property
    def total(self) -> int:
        return replace(self.request, saves=self.saves).total

    @property
    def waits_for(self) -> Ticket | None:
        """Who has the model, while this waits for it."""
        return None

    @property
    def message(self) -> str:
        """Why there is nothing to see yet, or any more; empty when there is nothing to say."""
        return self.problem

    def stop(self) -> None:
        """Draw no further picture."""

    def wait(self, seconds: float) -> None:
        """Wait until no more is drawn."""
