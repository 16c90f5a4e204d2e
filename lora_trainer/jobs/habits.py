"""What a user wants done always or never: kept on the server, so that every browser finds it, and over restarts."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path

from ..errors import UserError
from ..files.atomic import write_text
from ..files.json_object import object_or_empty, read_object

log = logging.getLogger(__name__)

SWITCHES = {"grid_at_end": True, "goes_on": False}
"""Every switch, and how it stands until somebody has turned it."""


class Habits:
    """Switches in a small file. One that cannot be read or written is as good as none."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        known = object_or_empty(path)
        self._on = {name: bool(known.get(name, usual)) for name, usual in SWITCHES.items()}

    @property
    def grid_at_end(self) -> bool:
        """Whether the usual grid is drawn when a run ends."""
        return self._on["grid_at_end"]

    @property
    def goes_on(self) -> bool:
        """Whether what the end of the program interrupted goes on by itself at the next start."""
        return self._on["goes_on"]

    def turn(self, **switches: bool) -> None:
        """Turn switches of these names; they hold at once, and over restarts where the disk lets us."""
        with self._lock:
            self._on |= {name: on for name, on in switches.items() if name in SWITCHES}
            try:
                write_text(self._path, json.dumps({**read_object(self._path), **self._on}))
            except UserError as error:
                log.warning("The switches hold until the program ends: %s", error)

    def to_json(self) -> dict[str, bool]:
        return dict(self._on)
