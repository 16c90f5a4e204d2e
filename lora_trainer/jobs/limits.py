"""What each user may take of the machine, what they have taken, and the sentence when that is all."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..files.atomic import write_text
from ..files.json_object import aside_files, object_or_empty, read_object
from ..sentences import Sentence
from ..visitor import Visitor

FILE, USAGE = "limits.json", "usage.json"
EVERYBODY = "*"
"""The name under which the limits of all stand that have none of their own."""
GB = 1e9


@dataclass(frozen=True)
class Limits:
    """0 is no limit. `jobs`: runs that wait or are under way; `disk` in GB; `hours` and `runs` of a calendar month."""

    jobs: int = 0
    disk: float = 0.0
    hours: float = 0.0
    runs: int = 0


@dataclass(frozen=True)
class Used:
    """What somebody has taken, in the same units."""

    jobs: int = 0
    disk: float = 0.0
    hours: float = 0.0
    runs: int = 0


class LimitStore:
    """The limits that an admin has set, in `folder`, and what was used in which month: no deletion undoes that."""

    def __init__(self, folder: Path) -> None:
        self._limits, self._usage = folder / FILE, folder / USAGE
        self._lock = threading.Lock()

    def all(self) -> dict[str, Limits]:
        known = object_or_empty(self._limits)
        return {name: _limits(values) for name, values in known.items() if isinstance(values, dict)}

    def of(self, name: str) -> Limits:
        known = self.all()
        return known.get(name, known.get(EVERYBODY, Limits()))

    def set(self, name: str, changes: Mapping[str, Any]) -> Limits:
        """Change some limits of `name` (or of EVERYBODY). Raises UserError for what is no limit, or cannot be kept."""
        for key, value in changes.items():
            whole = key in ("jobs", "runs")
            known = key in Limits.__dataclass_fields__
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not known or not number or not 0 <= value <= 1e9 or (whole and value != int(value)):
                sentence = "'{key}' is no limit, or {value} is no number for it: there are {known}, and 0 is no limit."
                names = ", ".join(Limits.__dataclass_fields__)
                raise UserError(Sentence("no_limit", sentence, key=key, value=str(value), known=names))
        with self._lock:
            kept = read_object(self._limits)
            limits = dataclasses.replace(self.of(name), **changes)
            values = {**kept, name: dataclasses.asdict(limits)}
            write_text(self._limits, json.dumps(values, ensure_ascii=False, indent=1), private=True)
        return limits

    def forget(self, name: str) -> None:
        """From now on, what EVERYBODY may holds for `name`."""
        with self._lock:
            known = read_object(self._limits)
            if known.pop(name, None) is not None:
                write_text(self._limits, json.dumps(known, ensure_ascii=False, indent=1), private=True)

    def damaged(self) -> list[str]:
        """Files that could not be read and were put aside: what they held is not in force."""
        return sorted(file.name for one in (self._limits, self._usage) for file in aside_files(one))

    def month(self, name: str) -> tuple[float, int]:
        """Hours and runs of this month."""
        used = object_or_empty(self._usage).get(_month(), {}).get(name, {})
        return float(used.get("seconds", 0.0)) / 3600, int(used.get("runs", 0))

    def count(self, name: str, *, seconds: float = 0.0, runs: int = 0) -> None:
        """Add to what was used this month; those that are long past are forgotten."""
        with self._lock:
            usage = dict(sorted(read_object(self._usage).items())[-24:])
            month = usage.setdefault(_month(), {})
            known = month.get(name, {})
            month[name] = {
                "seconds": round(known.get("seconds", 0.0) + seconds, 1),
                "runs": known.get("runs", 0) + runs,
            }
            write_text(self._usage, json.dumps(usage, ensure_ascii=False, indent=1), private=True)


class Limiter:
    """Holds users to their limits. `jobs_of` and `disk_of` tell how many runs, and GB, are somebody's now."""

    def __init__(self, store: LimitStore, jobs_of: Callable[[str], int], disk_of: Callable[[str], float]) -> None:
        self.store, self._jobs_of, self._disk_of = store, jobs_of, disk_of
        self._lock = threading.Lock()

    def used(self, name: str) -> Used:
        """What `name` uses; it may take a moment, for folders are measured."""
        hours, runs = self.store.month(name)
        return Used(self._jobs_of(name), round(self._disk_of(name), 3), round(hours, 3), runs)

    @contextmanager
    def admitting(self, visitor: Visitor) -> Iterator[None]:
        """Line up a run in this block, which then counts; one after another, so that nobody slips past a limit."""
        with self._lock:
            self.require_job(visitor.name)
            self.require_running_time(visitor.name)
            self.require_space(visitor.name)
            limits, (_, runs) = self.store.of(visitor.name), self.store.month(visitor.name)
            if visitor.name and limits.runs and runs >= limits.runs:
                sentence = "You may begin {limit} runs a month, and have begun {used}."
                raise UserError(Sentence("limit_runs", sentence, limit=limits.runs, used=runs))
            yield
            if visitor.name:
                self.store.count(visitor.name, runs=1)

    def require_job(self, name: str) -> None:
        """Raise UserError when no further run may wait."""
        limit = self.store.of(name).jobs if name else 0
        if limit and (used := self._jobs_of(name)) >= limit:
            sentence = "You may have {limit} runs waiting or under way, and have {used}: stop one, or wait for its end."
            raise UserError(Sentence("limit_jobs", sentence, limit=limit, used=used))

    def hours_of(self, name: str) -> float:
        """How many of a month are somebody's; 0 is no limit."""
        return self.store.of(name).hours if name else 0.0

    def require_running_time(self, name: str) -> None:
        """Raise UserError when this month's hours are used up."""
        limit = self.hours_of(name)
        if limit and (used := self.store.month(name)[0]) >= limit:
            sentence = "You may train {limit} hours a month, and have trained {used}."
            raise UserError(Sentence("limit_hours", sentence, limit=f"{limit:g}", used=f"{used:.1f}"))

    def require_space(self, name: str, more: int = 0) -> None:
        """Raise UserError when `more` bytes would be too many."""
        limit = self.store.of(name).disk if name else 0
        if limit and (used := self._disk_of(name)) + more / GB >= limit:
            sentence = (
                "You may use {limit} GB for data sets and runs, and use {used}; this would not fit. Delete some first."
            )
            raise UserError(Sentence("limit_disk", sentence, limit=f"{limit:g}", used=f"{used:.2f}"))

    def room_of(self, name: str) -> int | None:
        """Bytes that somebody may still use; None without a limit."""
        limit = self.store.of(name).disk if name else 0
        return int((limit - self._disk_of(name)) * GB) if limit else None


def _limits(values: Mapping[str, Any]) -> Limits:
    known = {key: value for key, value in values.items() if key in Limits.__dataclass_fields__}
    return Limits(**known)


def _month() -> str:
    return time.strftime("%Y-%m", time.gmtime())
