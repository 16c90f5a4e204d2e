"""What an interrupted captioning has done already, so that the next one goes on from there."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

NAME = ".captions-in-progress.jsonl"


@dataclass(frozen=True)
class Done:
    """A picture that has its caption, and the caption that it had before."""

    name: str
    before: str
    text: str


class Journal:
    """A line in a file for every finished picture. Of a journal that belongs to other work nothing is taken over.

    A line is written before the caption is: what stands in `done` may have to be written once more.
    """

    def __init__(self, folder: Path, work: str) -> None:
        self._file = folder / NAME
        self._head = hashlib.sha256(work.encode("utf-8")).hexdigest()
        self.done: dict[str, Done] = {one.name: one for one in self._read()}
        self._out: TextIO | None = None

    def add(self, finished: Sequence[Done]) -> None:
        """Note finished pictures. Raises OSError."""
        if self._out is None:
            self._out = self._open()
        self._out.writelines(_line([one.name, one.before, one.text]) for one in finished)
        self._out.flush()
        self.done |= {one.name: one for one in finished}

    def close(self, *, finished: bool) -> None:
        """Stop writing; `finished` work leaves no journal behind."""
        if self._out is not None:
            self._out.close()
            self._out = None
        if finished:
            with contextlib.suppress(OSError):
                self._file.unlink(missing_ok=True)

    def _open(self) -> TextIO:
        """The file with everything that is in `done`, without a line that was torn off."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        out = self._file.open("w", encoding="utf-8", newline="\n")
        out.write(_line([self._head]))
        out.writelines(_line([one.name, one.before, one.text]) for one in self.done.values())
        return out

    def _read(self) -> list[Done]:
        try:
            lines = self._file.read_text(encoding="utf-8").split("\n")
            if json.loads(lines[0]) != [self._head]:
                return []
        except (OSError, ValueError):
            return []
        found = []
        for line in lines[1:]:
            with contextlib.suppress(ValueError, TypeError):
                found.append(Done(*json.loads(line)))
        return found


def _line(values: Sequence[str]) -> str:
    return json.dumps(values) + "\n"
