"""Tells the running trainer where its packages lie, as the installation found them."""

from __future__ import annotations

import threading
from pathlib import Path

from .. import packages
from ..sentences import Sentence
from .installing import command
from .stamp import FILE, FOLDER, ROOT, read

Moment = tuple[int, int]


class Settling:
    """Reads the stamp again when it changed, so that an installation by hand needs no restart."""

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._read_at: Moment | None = None
        self._problem: Sentence | None = None

    def problem(self) -> Sentence | None:
        """Why the packages cannot be used; None when they are named to `packages`."""
        with self._lock:
            if (moment := self._moment()) != self._read_at:
                self._problem = self._settle()
                self._read_at = moment
            return self._problem

    def _settle(self) -> Sentence | None:
        stamp = read(self._root)
        if stamp is None:
            return Sentence(
                "packages_unchecked",
                "Train LoRA has not been set up yet (the WebUI was started without its installers): run {command}.",
                command=command(self._root),
            )
        if stamp.problem:
            return stamp.problem
        packages.use(stamp.places)
        return None

    def _moment(self) -> Moment:
        try:
            facts = (self._root / FOLDER / FILE).stat()
            return facts.st_mtime_ns, facts.st_size
        except OSError:
            return 0, 0


def settle(root: Path = ROOT) -> None:
    """From now on the packages come from where the installation found them; nothing is imported yet."""
    packages.report_problems_from(Settling(root).problem)
