"""Whose data sets are: kept beside them, so that folders stay folders."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

from ..files.atomic import write_text

FILE = ".owners.json"


class Owners:
    """{data set's id: names}. An uploaded set has one owner; a folder opened in place may be several people's."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self._lock = threading.Lock()

    def all(self) -> dict[str, tuple[str, ...]]:
        """Of all data sets that somebody owns. A file that cannot be read gives nothing to anybody."""
        try:
            values = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        entries = values.items() if isinstance(values, dict) else ()
        return {id: tuple(map(str, names)) for id, names in entries if isinstance(names, list)}

    def of(self, id: str) -> tuple[str, ...]:
        return self.all().get(id, ())

    def add(self, id: str, name: str) -> None:
        """Make it also the data set of `name`; without a name nothing changes."""
        if name:
            self._change(id, lambda names: (*(one for one in names if one != name), name))

    def drop(self, id: str, name: str = "") -> tuple[str, ...]:
        """Make it no longer that of `name`, or of anybody; those that are left."""
        return self._change(id, lambda names: tuple(one for one in names if name and one != name))

    def move(self, id: str, to: str) -> None:
        """The data set has another id now."""
        with self._lock:
            owners = self.all()
            if id in owners:
                owners[to] = owners.pop(id)
                self._write(owners)

    def _change(self, id: str, change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> tuple[str, ...]:
        with self._lock:
            owners = self.all()
            before = owners.get(id, ())
            after = change(before)
            if after != before:
                owners = {**owners, id: after} if after else {key: one for key, one in owners.items() if key != id}
                self._write(owners)
        return after

    def _write(self, owners: dict[str, tuple[str, ...]]) -> None:
        write_text(self._file, json.dumps(owners, ensure_ascii=False, indent=1), private=True)
