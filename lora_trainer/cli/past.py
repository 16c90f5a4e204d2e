"""Where the `history` command finds past runs: in folders of this machine, or on a server; both tell the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..sentences import from_json

if TYPE_CHECKING:
    from ..client import Client
    from ..history import History, Past

Row = Mapping[str, Any]
"""What is told of a run."""


class PastRuns(Protocol):
    """Past runs, wherever they are. Each method raises UserError, NotFound for an id that there is not."""

    def every(self) -> Sequence[Row]:
        """All of them: with `over`, and the `folder` where it is one of this machine's."""

    def find(self, words: str, sort: str, *, descending: bool, archived: str) -> tuple[Sequence[Row], int]:
        """The first of those that suit, and how many there are."""

    def get(self, run: str) -> Row:
        """One with its `environment`."""

    def note(self, run: str, **changes: Any) -> Row:
        """Stars, a remark, whether it is put away."""

    def compare(self, runs: Sequence[str]) -> dict[str, Any]:
        """`runs`, `options` that differ, and what `votes` tell."""

    def free(self, runs: Sequence[str], kinds: Sequence[str], *, really: bool) -> dict[str, Any]:
        """`bytes` by run and kind, their `total`, and why of some nothing goes: `refused`."""


class Here:
    """Those of the page's folder and of a folder that `train` wrote into."""

    def __init__(self, data: Path, out: Path) -> None:
        from ..history import History
        from ..history.found import runs_in
        from ..host.standalone import DATA_FOLDER
        from ..jobs.reading import past_runs

        self._history: History = History(lambda: [*past_runs(data / DATA_FOLDER), *runs_in(out)])

    def every(self) -> Sequence[Row]:
        runs = self._history.every()
        return [{"id": run.id, "name": run.name, "over": run.over, "folder": str(run.folder.path)} for run in runs]

    def find(self, words: str, sort: str, *, descending: bool, archived: str) -> tuple[Sequence[Row], int]:
        from ..history import Query

        found = self._history.search(Query(words, sort, descending, archived, size=200))
        return [*map(self._facts, found.runs)], found.total

    def get(self, run: str) -> Row:
        found = self._history.get(run)
        return {**self._facts(found), "folder": str(found.folder.path), "environment": found.environment()}

    def note(self, run: str, **changes: Any) -> Row:
        self._history.note(run, **changes)
        return self._facts(self._history.get(run))

    def compare(self, runs: Sequence[str]) -> dict[str, Any]:
        found = self._history.compare(runs)
        options, votes = map(dataclasses.asdict, found.differences), map(dataclasses.asdict, found.results)
        return {"runs": [*map(self._facts, found.runs)], "options": [*options], "votes": [*votes]}

    def free(self, runs: Sequence[str], kinds: Sequence[str], *, really: bool) -> dict[str, Any]:
        room = self._history.room(runs, kinds, really=really)
        return {"bytes": room.bytes, "total": room.total, "refused": room.refused}

    def _facts(self, run: Past) -> dict[str, Any]:
        facts = run.facts
        return {
            "id": run.id,
            "name": run.name,
            "state": run.state,
            "created": run.created,
            "base": run.base,
            "trigger_word": run.trigger_word,
            "step": run.step,
            "total_steps": run.total_steps,
            "loss": facts.loss,
            "validation": facts.validation,
            "validation_step": facts.validation_step,
            "seconds": facts.seconds,
            **run.notes.to_json(),
            "sizes": self._history.sizes(run),
        }


class There:
    """Those on a server that one may see."""

    def __init__(self, client: Client) -> None:
        self._history = client.history

    def every(self) -> Sequence[Row]:
        return [{**run} for run in self._history.all(archived="all")]

    def find(self, words: str, sort: str, *, descending: bool, archived: Any) -> tuple[Sequence[Row], int]:
        found = self._history.find(words, sort=sort, descending=descending, archived=archived, size=200)
        return [{**run} for run in found["runs"]], found["total"]

    def get(self, run: str) -> Row:
        return {**self._history.get(run)}

    def note(self, run: str, **changes: Any) -> Row:
        return {**self._history.remark(run, **changes)}

    def compare(self, runs: Sequence[str]) -> dict[str, Any]:
        found = self._history.compare(runs)
        return {"runs": found["runs"], "options": found["options"], "votes": found["results"]}

    def free(self, runs: Sequence[str], kinds: Sequence[Any], *, really: bool) -> dict[str, Any]:
        freed = self._history.free(runs, kinds, really=really)
        refused = {run: from_json(reason) for run, reason in freed["refused"].items() if reason}
        return {"bytes": freed["bytes"], "total": freed["total"], "refused": refused}
