"""What the record of a run's events tells about all of it: losses, duration, pictures."""

from __future__ import annotations

import contextlib
import json
import math
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from ..run_folder import RunFolder

SECONDS = re.compile(r'"seconds": ([\d.e+-]+)')
MOST_KNOWN = 4000


@dataclass(frozen=True)
class Told:
    """A sample, as its event tells of it. `file` is its name in the run's folder of samples."""

    step: int
    file: str
    prompt: str
    seed: int
    strength: float = 1.0


@dataclass(frozen=True)
class Facts:
    """Figures of a whole run; None where it never came to one. `seconds` are those of its steps or, at its end, of all.

    `end` is the kind of its last event of an end: finished, stopped, paused, failed; empty before.
    """

    base: str = ""
    family: str = ""
    device: str = ""
    pictures: int = 0
    step: int = 0
    total_steps: int = 0
    loss: float | None = None
    validation: float | None = None
    validation_step: int = 0
    best_step: int = 0
    seconds: float = 0.0
    end: str = ""
    samples: tuple[Told, ...] = ()


_known: dict[str, tuple[tuple[int, int], Facts]] = {}
_lock = threading.Lock()


def facts_of(folder: RunFolder) -> Facts:
    """The facts of a run, read anew when its record of events has changed. Without a record they are empty."""
    path = str(folder.events)
    try:
        status = folder.events.stat()
        stamp = (status.st_size, status.st_mtime_ns)
        with _lock:
            known = _known.get(path)
        if known and known[0] == stamp:
            return known[1]
        with folder.events.open(encoding="utf-8", errors="replace") as lines:
            facts = gathered(lines)
    except OSError:
        return Facts()
    with _lock:
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        _known[path] = (stamp, facts)
    return facts


def gathered(lines: Iterable[str]) -> Facts:
    """The facts in lines of events. Of steps, which are nearly all of them, only the last one is taken apart."""
    facts, last, seconds = Facts(), "", 0.0
    for line in lines:
        kind = line[10 : line.find('"', 10)] if line.startswith('{"kind": "') else ""
        if kind == "step":
            found = SECONDS.search(line)
            last, seconds = line, seconds + (float(found[1]) if found else 0.0)
        elif kind in _TAKEN:
            with contextlib.suppress(ValueError, KeyError, TypeError):  # a killed run may leave half a line
                facts = _TAKEN[kind](facts, json.loads(line))
    with contextlib.suppress(ValueError, KeyError, TypeError):
        step = json.loads(last)
        facts = replace(facts, step=max(facts.step, int(step["step"])), loss=_finite(step["smooth_loss"]))
    return replace(facts, seconds=max(facts.seconds, seconds))


def _started(facts: Facts, event: dict[str, Any]) -> Facts:
    return replace(
        facts,
        base=str(event["base_name"]),
        family=str(event["family"]),
        device=str(event["device"]),
        pictures=int(event["pictures"]),
        total_steps=int(event["total_steps"]),
        end="",
    )


def _validated(facts: Facts, event: dict[str, Any]) -> Facts:
    loss = _finite(event["loss"])
    if loss is None or (facts.validation is not None and loss >= facts.validation):
        return facts
    return replace(facts, validation=loss, validation_step=int(event["step"]))


def _sample(facts: Facts, event: dict[str, Any]) -> Facts:
    file = PurePath(str(event["path"]).replace("\\", "/")).name
    told = Told(int(event["step"]), file, str(event["prompt"]), int(event["seed"]), float(event.get("strength", 1.0)))
    return replace(facts, samples=(*(one for one in facts.samples if one.file != file), told))


def _finished(facts: Facts, event: dict[str, Any]) -> Facts:
    return replace(
        facts,
        step=int(event["step"]),
        best_step=int(event.get("best_step") or 0),
        seconds=float(event["seconds"]),
        end="stopped" if event.get("stopped") else "finished",
    )


def _broken_off(facts: Facts, event: dict[str, Any]) -> Facts:
    return replace(facts, step=int(event["step"]), end=str(event["kind"]))


def _finite(loss: float) -> float | None:
    """A loss that is a number; a run that went wrong may have had others."""
    return float(loss) if math.isfinite(loss) else None


_TAKEN = {
    "started": _started,
    "validated": _validated,
    "sample": _sample,
    "finished": _finished,
    "paused": _broken_off,
    "failed": _broken_off,
}
