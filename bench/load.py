"""What many visitors cost a run: 50 that poll once a second and 10 that upload at 1 MB/s, beside steps without them.

The run is where `serve` has it, in a process of its own on one core, while the server and the clients share another.
With `in_place` it is where a WebUI has it: the thread of the run is kept on its core, but it shares one interpreter's
lock with those that answer. Quiet and loaded stretches take turns in one and the same run.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lora_trainer import own_process

from . import report
from .clock import Clock, FarClock, keep_on, mark

POLLERS, UPLOADERS, RATE = 50, 10, 10**6
SETTLING = 2.0
"""Seconds at the beginning of a stretch whose steps are not counted."""
STEPS = 5000


@dataclass(frozen=True)
class Stretch:
    """A part of the run: medians of its steps; `others` is what all other threads of the process took of a core."""

    wall: float
    own: float
    cpu: float
    count: int
    others: float


def measure(work: Path, rounds: int, seconds: float, resolution: int, batch: int, *, in_place: bool = False) -> str:
    """The table of rounds, what the clients saw, and whether anything was lost."""
    import torch

    torch.set_num_threads(1)
    own_process.let_runs_have_their_turn()  # as the server's own program does
    run_core, other_core = _cores()
    keep_on(other_core)
    folder = work / f"load-{time.strftime('%H%M%S')}"
    folder.mkdir(parents=True)
    clock = Clock() if in_place else FarClock(file=folder / "steps")
    with _serving(folder, clock, run_core) as (desk, address):
        job = _begin(desk, work, resolution, batch)
        _wait_for_steps(clock, 3)
        quiet, loaded, seen = [], [], []
        for _ in range(rounds):
            quiet.append(_stretch(clock, lambda: time.sleep(seconds)))
            loaded.append(_stretch(clock, lambda: seen.append(_visits(address, job.id, seconds, work))))
        lost = [_losses(desk, job, one) for one in seen]
        job.stop()
    head = _head(run_core, other_core, resolution, batch, seconds, in_place)
    return "\n".join([*head, *_table(quiet, loaded, seen, lost)])


@contextlib.contextmanager
def _serving(folder: Path, clock: Clock, core: int | None) -> Iterator[tuple[Any, str]]:
    """The standalone server as it is, in a thread, with the pocket base; gives its desk and its address."""
    from lora_trainer import options
    from lora_trainer.host.standalone import StandaloneHost
    from lora_trainer.ui.server import Place, listening, make_server, server_of

    config = options.build({"base": {"checkpoint": "pocket"}})
    host = StandaloneHost(config.base, config.memory, folder / "loras", folder / "data")
    desk = _desk(host, clock, core)
    desk.habits.turn(grid_at_end=False)
    place = Place(port=0)
    listener = listening(place)
    server = server_of(make_server(desk, place=place), place)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield desk, "{}:{}".format(*listener.getsockname())
    finally:
        server.should_exit = True
        thread.join(20)
        desk.close(20)


def _desk(host: Any, clock: Clock, core: int | None) -> Any:
    """One whose runs are on that core, and mark their steps on the clock."""
    from lora_trainer.events import Step as StepEvent
    from lora_trainer.jobs import process
    from lora_trainer.jobs.desk import Desk
    from lora_trainer.jobs.queue import Jobs
    from lora_trainer.jobs.runner import InPlaceRunner

    class Marking(InPlaceRunner):
        def events(self, job: Any, *, going_on: bool) -> Any:
            keep_on(core)
            for event in super().events(job, going_on=going_on):
                if isinstance(event, StepEvent):
                    clock.marks.append(mark())
                yield event

    if not isinstance(clock, FarClock):
        return Desk(host, jobs=Jobs(host, host.data_folder() / "runs", runner=Marking(host)))
    name = "" if core is None else str(core)
    process.WORDS = (sys.executable, "-m", "bench.pinned", name, str(clock.file.absolute()))
    return Desk(host, apart=True)


def _begin(desk: Any, work: Path, resolution: int, batch: int) -> Any:
    from .start import _draw_pictures

    pictures = desk.datasets.open_folder(_draw_pictures(work / "pictures", resolution).absolute())
    values = {"save.name": "load", "steps": STEPS, "data.resolution": resolution, "data.batch_size": batch}
    quiet = {"network.rank": 8, "samples.every": STEPS, "save.tensorboard": False, "save.state_minutes": 1440}
    return desk.submit({**values, **quiet}, pictures.id)


def _stretch(clock: Clock, act: Any) -> Stretch:
    begin = time.perf_counter() + SETTLING
    time.sleep(SETTLING / 2)
    before = clock.others()
    act()
    others, steps = clock.others() - before, clock.steps(begin, time.perf_counter())
    medians = [statistics.median(getattr(step, name) for step in steps) for name in ("wall", "own", "cpu")]
    return Stretch(*medians, len(steps), others / (time.perf_counter() - begin))


def _visits(address: str, job: str, seconds: float, work: Path) -> dict[str, Any]:
    """Let the clients come for that long; what they saw and sent."""
    wanted = {"address": address, "job": job, "seconds": seconds, "pollers": POLLERS, "uploaders": UPLOADERS}
    done = subprocess.run(
        [sys.executable, "-m", "bench.visitors", json.dumps({**wanted, "rate": RATE, "work": str(work)})],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    if done.returncode:
        raise SystemExit(f"The clients failed:\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout)


def _losses(desk: Any, job: Any, seen: dict[str, Any]) -> str:
    """What of the events and files went wrong; empty when nothing did."""
    wrong = [f"poller {n} saw {what}" for n, what in enumerate(seen["events"]) if what]
    for data_set, files in seen["files"].items():
        folder = desk.datasets.get(data_set).path
        for name, digest in files.items():
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
                wrong.append(f"{name} of {data_set} is another file")
    return "; ".join([*wrong, *seen["errors"]])


def _head(
    run_core: int | None, other_core: int | None, resolution: int, batch: int, seconds: float, in_place: bool
) -> list[str]:
    pinned = (
        "nothing is pinned: this system has no affinity for threads"
        if run_core is None
        else f"the run on core {run_core}, the server and the clients on core {other_core}"
    )
    where = "in a thread of the server's process" if in_place else "in a process of its own, as `serve` has it"
    return [
        report.conditions(),
        f"{POLLERS} clients ask for state and events once a second, {UPLOADERS} upload at {RATE / 1e6:g} MB/s each",
        f"pocket base, {resolution} px, batch {batch}, stretches of {seconds:g} s; the run {where}; {pinned}",
    ]


def _table(quiet: list[Stretch], loaded: list[Stretch], seen: list[dict[str, Any]], lost: list[str]) -> Iterator[str]:
    columns = ("quiet", "loaded", "slower", "own", "CPU", "server", "req/s", "MB/s", "median", "99 %")
    yield "round  " + " ".join(f"{column:>8}" for column in columns)
    kinds = ("wall", "own", "cpu")
    slower = [[getattr(b, kind) / getattr(a, kind) - 1 for kind in kinds] for a, b in zip(quiet, loaded)]
    for number, (a, b, shares, one) in enumerate(zip(quiet, loaded, slower, seen), 1):
        waits = sorted(one["waits"])
        figures = [f"{a.wall:6.3f} s", f"{b.wall:6.3f} s", *(f"{share:.1%}" for share in shares)]
        figures.append(f"{b.others:.1%}")
        figures += [f"{one['requests'] / one['seconds']:.1f}", f"{one['bytes'] / one['seconds'] / 1e6:.2f}"]
        figures += [f"{_share(waits, share):.0f} ms" for share in (0.5, 0.99)]
        yield f"{number:5}  " + " ".join(f"{figure:>8}" for figure in figures)
    yield f"steps counted: {sum(one.count for one in quiet)} quiet, {sum(one.count for one in loaded)} loaded"
    wall, own, cpu = (statistics.median(shares) for shares in zip(*slower))
    yield f"median step slower by {wall:.1%} by the clock, {own:.1%} without waits for its core, {cpu:.1%} in CPU time"
    if any(lost):
        yield "LOST: " + "; ".join(filter(None, lost))
        return
    files, events = sum(len(f) for one in seen for f in one["files"].values()), sum(one["told"] for one in seen)
    yield f"{events} events told, each once to every poller; {files} files came, byte for byte"


def _share(waits: list[float], share: float) -> float:
    """Milliseconds within which that share of the answers came."""
    return 1000 * waits[min(len(waits) - 1, int(share * len(waits)))] if waits else 0.0


def _wait_for_steps(clock: Clock, count: int) -> None:
    while len(clock.read()) < count:
        time.sleep(0.1)


def _cores() -> tuple[int | None, int | None]:
    """One for the run, another for all else; None where threads cannot be pinned."""
    if not hasattr(os, "sched_setaffinity"):
        return None, None
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("This measurement needs two cores.")
    return cores[0], cores[1]
