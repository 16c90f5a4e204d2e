"""What a user wants done always or never: kept on the server, so that every browser finds it, and over restarts."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from ..errors import UserError
from ..files.atomic import write_text

log = logging.getLogger(__name__)


class Habits:
    """Switches in a small file. One that cannot be read or written is as good as none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._grid_at_end = bool(self._read().get("grid_at_end", True))

    @property
    def grid_at_end(self) -> bool:
        """Whether the usual grid is drawn when a run ends."""
        return self._grid_at_end

    @grid_at_end.setter
    def grid_at_end(self, on: bool) -> None:
        self._grid_at_end = on
        try:
            write_text(self._path, json.dumps(self.to_json()))
        except (OSError, UserError):
            log.warning("The switches could not be kept in %s: they hold until the program ends.", self._path)

    def to_json(self) -> dict[str, bool]:
        return {"grid_at_end": self._grid_at_end}

    def _read(self) -> dict[str, bool]:
        try:
            values = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return values if isinstance(values, dict) else {}
