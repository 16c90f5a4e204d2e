"""What admins did to other people's accounts, limits and pictures: line by line in a private file."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

FILE, EARLIER = "audit.jsonl", "audit.1.jsonl"
MOST_BYTES = 2**20
"""A longer file becomes the earlier one, in the place of that before."""

log = logging.getLogger(__name__)


class Audit:
    """The file in `folder`. What cannot be written is told by the program's log, and hinders nothing."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / FILE
        self._lock = threading.Lock()

    def note(self, who: str, what: str, whom: str, **more: Any) -> None:
        """`who` did `what` to `whom`; `more` are plain values, and never a password."""
        row = {"at": round(time.time(), 3), "who": who, "what": what, "whom": whom, **more}
        line = json.dumps(row, ensure_ascii=False) + "\n"
        log.info("%s", line.rstrip())
        try:
            with self._lock:
                self._write(line.encode("utf-8", "replace"))
        except OSError as error:
            log.error("What an admin did could not be noted in '%s' (%s): %s", self.file, error, line.rstrip())

    def newest(self, most: int) -> list[dict[str, Any]]:
        """The newest first; lines that are none are passed over."""
        found: list[dict[str, Any]] = []
        for file in (self.file, self.file.with_name(EARLIER)):
            try:
                lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
            except OSError:
                continue
            for line in reversed(lines):
                if len(found) == most:
                    return found
                if (row := _row(line)) is not None:
                    found.append(row)
        return found

    def _write(self, line: bytes) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        if self.file.exists() and self.file.stat().st_size + len(line) > MOST_BYTES:
            self.file.replace(self.file.with_name(EARLIER))
        with open(self.file, "ab", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(line)


def _row(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None
