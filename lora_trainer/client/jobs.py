"""Runs on a server: begun, steered, watched without a gap, and their files fetched."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from ..errors import NotFound
from ..sentences import Sentence
from ..wire.jobs import Curve, Events, Happening, Job, Kept
from .connection import Connection, place
from .errors import Unreachable
from .patience import Patience
from .transfer import Progress, download, silent

ENDED = ("finished", "stopped", "failed")
LONGEST_WAIT = 20
"""Seconds for which the server holds a question for news."""


class Jobs:
    """The runs that one may see. Wherever one is named, its id is meant."""

    def __init__(self, server: Connection) -> None:
        self._server = server

    def list(self) -> list[Job]:
        """All, the newest first."""
        return cast("list[Job]", self._server.json("GET", "/jobs"))

    def get(self, job: str) -> Job:
        """One of them, as it is now."""
        return cast(Job, self._server.json("GET", place("jobs", job)))

    def find(self, name: str) -> Job:
        """The one of that id, or the newest of that name. Raises NotFound."""
        every = self.list()
        found = [one for one in every if one["id"] == name] or [one for one in every if one["name"] == name]
        if not found:
            raise NotFound(Sentence("no_job", "There is no run '{id}' (any more).", id=name))
        return found[0]

    def begin(self, values: Mapping[str, Any], dataset: str = "", *, replace: bool = False, priority: int = 0) -> Job:
        """Line up a training with these options, nested or by dotted paths, on a data set of the server's.

        `replace`: a LoRA of that name may be there.
        """
        wish = {"values": dict(values), "dataset": dataset, "replace": replace, "priority": priority}
        return cast(Job, self._server.json("POST", "/jobs", wish))

    def pause(self, job: str) -> Job:
        """Give the model back; what is done so far is kept."""
        return self._told(job, "pause")

    def resume(self, job: str) -> Job:
        """Go on with one that rests, was stopped or failed."""
        return self._told(job, "resume")

    def stop(self, job: str) -> Job:
        """End it without a save."""
        return self._told(job, "stop")

    def stop_and_save(self, job: str) -> Job:
        """End it with a save of what is learned so far."""
        return self._told(job, "stop-and-save")

    def more(self, job: str, steps: int) -> Job:
        """Train one that has ended further."""
        return self._told(job, "more", {"steps": steps})

    def clone(self, job: str, values: Mapping[str, Any] | None = None) -> Job:
        """Line up another one with the same options but for these."""
        return self._told(job, "clone", {"values": dict(values or {})})

    def prefer(self, job: str, priority: int) -> Job:
        """The more important one goes first; 0 is usual."""
        return self._told(job, "priority", {"priority": priority})

    def move(self, job: str, before: str = "") -> Job:
        """Another place in line: before that one, or behind all."""
        return self._told(job, "move", {"before": before})

    def delete(self, job: str) -> None:
        """Forget one with its files; what was published stays."""
        self._server.json("DELETE", place("jobs", job))

    def publish(self, job: str, save: str, *, strength: float = 1.0, name: str = "", replace: bool = False) -> Kept:
        """Make a save the final file, in the LoRA folder of the server's host."""
        wish = {"save": save, "strength": strength, "name": name, "replace": replace}
        return cast(Kept, self._server.json("POST", place("jobs", job, "keep"), wish))

    def curve(self, job: str, points: int = 600) -> Curve:
        """Its loss curve, thinned to so many steps that keep its spikes."""
        return cast(Curve, self._server.json("GET", place("jobs", job, "curve"), query={"points": points}))

    def delete_sample(self, job: str, file: str) -> None:
        """Delete a picture that was drawn on the way."""
        self._server.json("DELETE", place("jobs", job, "samples", file))

    def download(self, job: str, file: str, to: Path, progress: Progress = silent) -> None:
        """Fetch a save. It is at `to` only when it has come whole, and is what its hash says."""
        download(self._server, place("jobs", job, "saves", file), to, progress)

    def events(self, job: str, until: Container[str] = ENDED) -> Iterator[Happening]:
        """Every event of a run once, from its first one on, as they come, until the run has come to a state `until`.

        A connection that breaks is made again and goes on where it was, also over a start of the server.
        """
        for told in self.watch(job, until):
            yield from told["events"]

    def watch(self, job: str, until: Container[str] = ENDED) -> Iterator[Events]:
        """As `events`, by answer: with the run as it was then, also where nothing has happened for a while.

        After a start of the server the events of a run have other numbers, and are told anew: what was told already is
        known by what it says.
        """
        where, patience, seen = place("jobs", job, "events"), Patience(), Counter[int]()
        feed, after, again, wait = "", 0, Counter[int](), 0
        while True:
            query = {"after": after, "feed": feed, "wait": wait, "limit": 1000}
            try:
                told: Events = self._server.json("GET", where, query=query)
                patience.went_well()
            except Unreachable as error:
                patience.broke(error)
                continue
            if told["feed"] != feed:
                feed, again = told["feed"], seen.copy()
            ended = told["job"]["state"] in until
            after, wait = told["next"], 0 if ended else LONGEST_WAIT
            fresh = [one for one in told["events"] if not _known(one, again)]
            seen.update(map(_said, fresh))
            yield {**told, "events": fresh}
            if ended and not told["events"]:
                return

    def _told(self, job: str, control: str, body: Mapping[str, Any] | None = None) -> Job:
        return cast(Job, self._server.json("POST", place("jobs", job, control), body))


def _said(event: Happening) -> int:
    """A hash of what an event says, without its number: runs have many events, and are watched for hours."""
    return hash(json.dumps({key: value for key, value in event.items() if key != "n"}, sort_keys=True))


def _known(event: Happening, again: Counter[int]) -> bool:
    """Whether an event is among those that are told again, which it is taken from."""
    said = _said(event)
    if again[said] <= 0:
        return False
    again[said] -= 1
    return True
