"""The client: a server's routes as methods, by subject."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..wire import captions as told_captions
from ..wire import datasets as told
from ..wire import house, people, settings, tryouts
from .connection import Connection, place
from .history import History
from .jobs import Jobs
from .notices import Notices
from .people import People
from .transfer import Progress, silent, upload

if TYPE_CHECKING:
    from ..datasets.contents import Part


class Client:
    """A server's host, options and presets; `datasets`, `jobs`, `tryouts` and `history` have theirs.

    `people` and `notices` are for a server's admins, but for one's own password.

    See `Connection` for how one signs in. Every method raises ServerRefused (WrongOptions where options are wrong) with
    the server's own sentence, and Unreachable when the server does not answer.
    """

    def __init__(self, url: str, name: str = "", password: str = "", token: str = "") -> None:
        self.server = Connection(url, name, password, token)
        self.datasets, self.jobs, self.tryouts = DataSets(self.server), Jobs(self.server), TryOuts(self.server)
        self.history, self.people, self.notices = History(self.server), People(self.server), Notices(self.server)

    def state(self) -> house.State:
        """The whole at a glance."""
        return cast(house.State, self.server.json("GET", "/state"))

    def visitor(self) -> house.Visitor:
        """Who one is there."""
        return cast(house.Visitor, self.server.json("GET", "/session"))

    def usage(self) -> people.Person:
        """What one may use and has used."""
        return cast(people.Person, self.server.json("GET", "/usage"))

    def options(self) -> settings.AllOptions:
        """Every option of a run."""
        return cast(settings.AllOptions, self.server.json("GET", "/options"))

    def presets(self) -> list[settings.Preset]:
        """The shipped ones, and one's own."""
        return cast(list[settings.Preset], self.server.json("GET", "/presets"))

    def check(self, values: Mapping[str, Any], dataset: str = "") -> settings.Checked:
        """What is wrong with options, else what the run will be."""
        return cast(settings.Checked, self.server.json("POST", "/check", {"values": values, "dataset": dataset}))

    def recommend(
        self, dataset: str, goal: str = "", values: Mapping[str, Any] | None = None, kept: Iterable[str] = ()
    ) -> settings.Recommendation:
        """Options that suit the server's base, the goal and the pictures. `kept` are paths of options that stay."""
        wish = {"dataset": dataset, "goal": goal, "values": values or {}, "kept": [*kept]}
        return cast(settings.Recommendation, self.server.json("POST", "/recommend", wish))

    def estimate(self, values: Mapping[str, Any], dataset: str) -> settings.Estimate:
        """The memory that a run will need there."""
        return cast(settings.Estimate, self.server.json("POST", "/estimate", {"values": values, "dataset": dataset}))

    def picture(self, address: str) -> bytes:
        """The picture under an `url` or another address of an answer: a sample, a cell, a thumbnail."""
        return self.server.content(f"/{address}")

    def sign_out(self) -> None:
        """End the session: its token is good no more."""
        self.server.sign_out()


class DataSets:
    """Data sets on the server."""

    def __init__(self, server: Connection) -> None:
        self._server = server

    def list(self) -> list[told.SizedDataSet]:
        """All that one may see."""
        return cast("list[told.SizedDataSet]", self._server.json("GET", "/datasets"))

    def find(self, name: str) -> told.SizedDataSet | None:
        """The one of that id or name, if there is one."""
        every = self.list()
        return next((one for one in every if name == one["id"]), None) or next(
            (one for one in every if name == one["name"]), None
        )

    def create(self, name: str) -> told.Named:
        """A new, empty one."""
        return cast(told.Named, self._server.json("POST", "/datasets", {"name": name}))

    def make(self, name: str, folder: Path, progress: Progress = silent) -> told.Named:
        """A new one of a folder's pictures, with captions, masks and what was decided about them.

        They are sent as a zip in parts; a connection that breaks goes on where it was. Raises DataError for a folder
        without anything to send, UserError when the server took nothing of it.
        """
        made = self.create(name)
        self.fill(made["id"], folder, progress)
        return made

    def fill(self, dataset: str, folder: Path, progress: Progress = silent, *, scale_for: int = 0) -> told.Added:
        """Add a folder's pictures with all that belongs to them to a data set.

        `scale_for` is a resolution: large pictures are scaled down before, to what a training at it can use.
        """
        from ..datasets.contents import contents
        from ..datasets.shrink import scaled

        return self.fill_with(dataset, scaled(contents(folder, table=True), scale_for), progress)

    def fill_with(self, dataset: str, parts: Iterable[Part], progress: Progress = silent) -> told.Added:
        """Add these parts of a data set, as `datasets.contents` finds them."""
        from ..datasets.pack import zipped

        with tempfile.TemporaryFile() as packed:
            for piece in zipped(parts):
                packed.write(piece)
            return upload(self._server, dataset, "pictures.zip", packed, packed.tell(), progress)

    def add(self, dataset: str, file: Path, progress: Progress = silent) -> told.Added:
        """Add a picture, a caption or a zip, in parts."""
        with file.open("rb") as content:
            return upload(self._server, dataset, file.name, content, os.fstat(content.fileno()).st_size, progress)

    def add_bytes(self, dataset: str, name: str, content: bytes) -> told.Added:
        """As `add`, for what is in memory."""
        return upload(self._server, dataset, name, BytesIO(content), len(content), silent)

    def items(self, dataset: str, resolution: int = 0) -> told.Items:
        """The pictures as a run at that resolution would take them; 0: at the base's own."""
        return cast(told.Items, self._server.json("GET", place("datasets", dataset), query={"resolution": resolution}))

    def captions(self, dataset: str) -> Mapping[str, str]:
        """{picture: caption}"""
        found: told_captions.Captions = self._server.json("GET", place("datasets", dataset, "captions"))
        return found["captions"]

    def set_captions(
        self, dataset: str, captions: Mapping[str, str], known: Mapping[str, str] | None = None
    ) -> told_captions.SavedCaptions:
        """Write captions. Where one is not as it was `known`, that is told and none is written."""
        body = {"captions": dict(captions), "known": known}
        return cast(
            told_captions.SavedCaptions, self._server.json("POST", place("datasets", dataset, "captions"), body)
        )

    def delete(self, dataset: str) -> None:
        """Delete one with its files."""
        self._server.json("DELETE", place("datasets", dataset))


class TryOuts:
    """Saves x strengths, drawn by the server."""

    def __init__(self, server: Connection) -> None:
        self._server = server

    def begin(
        self, job: str, saves: Iterable[str], strengths: Iterable[float], prompts: Iterable[str], **more: Any
    ) -> tryouts.TryOut:
        """Begin to draw. `more` are further values of `wire.tryouts.NewTryOut`."""
        wish = {"job": job, "saves": [*saves], "strengths": [*strengths], "prompts": [*prompts], **more}
        return cast(tryouts.TryOut, self._server.json("POST", "/tryouts", wish))

    def get(self, tryout: str, after: int = 0) -> tryouts.TryOut:
        """How far it is, with the pictures after that number."""
        return cast(tryouts.TryOut, self._server.json("GET", place("tryouts", tryout), query={"after": after}))

    def wait(self, tryout: str, every: float = 1.0) -> tryouts.TryOut:
        """Wait until it is drawn and scored, was stopped, or failed."""
        while (found := self.get(tryout))["state"] not in ("done", "stopped", "failed"):
            time.sleep(every)
        return found

    def stop(self, tryout: str) -> None:
        """Draw no further picture."""
        self._server.json("POST", place("tryouts", tryout, "stop"))

    def picture(self, cell: tryouts.Cell) -> bytes:
        """The picture of a cell, as PNG."""
        return self._server.content(f"/{cell['url']}")
