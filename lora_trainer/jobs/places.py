"""Where runs may be: the device that the host's own model is on, and others of this machine."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .. import devices
from ..errors import UserError
from ..host.base import Host
from .job import Job
from .process import OwnProcessRunner, config_elsewhere
from .runner import Runner

log = logging.getLogger(__name__)


def _untold() -> tuple[int, int]:
    return 0, 0


@dataclass(frozen=True, eq=False)
class Place:
    """A place for one run at a time. `name` is its own, while several places may share the memory of a `device`.

    `own` is that of the host's model, which try-outs want as well. `memory` gives (free, all) bytes, zeros where
    nobody tells; `takes` says whether a job may be run there at all, however much memory it needs.
    """

    name: str
    device: str
    runner: Runner
    own: bool = False
    memory: Callable[[], tuple[int, int]] = _untold
    takes: Callable[[Job], bool] = lambda job: True


def places_of(host: Host, runner: Runner, elsewhere: Sequence[str] = ()) -> list[Place]:
    """The host's own place, whose runs `runner` has, and one for every further device that is named.

    A device may be named several times, for as many runs at once; one that is not there is left out.
    """
    own = own_device(host)
    further = [device for name in elsewhere if (device := _full_name(name))]
    if host.kind == "webui" and own in further:  # named once it is the one of the WebUI, named again one beside it
        further.remove(own)
    if missing := [name for name in elsewhere if not _full_name(name)]:
        log.error("No run can be on %s: there is no such device here.", ", ".join(missing))
    memory = _all_of(own) if host.kind == "webui" else _reader_of(own)
    named = [own, *further]
    places = [Place(own, own, runner, True, memory, _kept_by(host, named))]
    for number, device in enumerate(further, 1):
        count = named[: number + 1].count(device)
        name = device if count == 1 else f"{device} ({count})"
        takes = _taken_by(host, device, own)
        places.append(Place(name, device, runner_apart(host, device), memory=_reader_of(device), takes=takes))
    return places


def _full_name(name: str) -> str:
    """Empty where there is no such device."""
    try:
        return devices.full_name(name)
    except UserError:
        return ""


def runner_apart(host: Host, device: str = "") -> Runner:
    """Runs jobs in processes of their own on that device, or on the one of the host's model."""
    name, environment = devices.alone(device or own_device(host))
    return OwnProcessRunner(host, name, environment)


def own_device(host: Host) -> str:
    """The full name of the device that the host's own model is on. Raises ConfigError where there is none such."""
    return devices.full_name(str(getattr(host, "device", "auto")))


def _reader_of(device: str) -> Callable[[], tuple[int, int]]:
    def memory() -> tuple[int, int]:
        try:
            return devices.memory_beside(device)
        except (UserError, RuntimeError) as error:
            log.warning("The memory of %s cannot be read: %s", device, error)
            return 0, 0

    return memory


def _all_of(device: str) -> Callable[[], tuple[int, int]]:
    """Of a device whose memory is taken by a model that a run trains on, or moves out of the way."""
    read = _reader_of(device)

    def memory() -> tuple[int, int]:
        _, total = read()
        return total, total

    return memory


def _taken_by(host: Host, device: str, own: str) -> Callable[[Job], bool]:
    """Whether a process on `device` may run a job: unless its options name another one, or nobody else has its base.

    A WebUI computes as it is set to; what was begun there, or elsewhere, goes on as it began.
    """

    def takes(job: Job) -> bool:
        if host.kind == "webui" and _began_on(job) == own:
            return False
        return _wished(job) in ("", device) and config_elsewhere(host, job.config) is not None

    return takes


def _kept_by(host: Host, named: Sequence[str]) -> Callable[[Job], bool]:
    """Whether the host's own model, on the first of the devices, may be what a job is run on."""

    def takes(job: Job) -> bool:
        elsewhere = _wished(job) in named[1:] and _wished(job) != named[0]
        if host.kind == "webui" and len(named) > 1:
            elsewhere = elsewhere or _began_on(job) not in ("", named[0])
        return not elsewhere or config_elsewhere(host, job.config) is None

    return takes


def _began_on(job: Job) -> str:
    """The place where a job was that has something to go on from."""
    return job.record.device if job.record.device and job.has_state else ""


def _wished(job: Job) -> str:
    """The full name of the device that a job's options name; empty for any."""
    name = job.config.memory.device
    return "" if name == "auto" else _full_name(name) or name
