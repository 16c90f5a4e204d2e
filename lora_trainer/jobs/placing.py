"""Which waiting job goes where: nothing but a decision, from what is known of jobs and places at a moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from ..control import Wish
from ..estimate.sizes import SHARE
from .job import Job
from .places import Place
from .states import PREPARING

Need = Callable[[Job, Place], "int | None"]
"""Bytes that a job needs at a place; None where nobody knows."""


@dataclass(frozen=True)
class Spot:
    """A place at a moment: bytes of its device (0: untold), and the job that is there.

    `taken` says that something else has the model there just now, which a run would wait for.
    """

    place: Place
    free: int = 0
    total: int = 0
    run: Job | None = None
    taken: bool = False


@dataclass
class Plan:
    """`given` says which job each free place gets; `cramped` jobs wait for room alone, `nowhere` fits no place."""

    given: dict[Place, Job] = field(default_factory=dict)
    cramped: list[Job] = field(default_factory=list)
    nowhere: list[Job] = field(default_factory=list)


def planned(waiting: Iterable[Job], spots: Sequence[Spot], need: Need, overdue: Collection[Job] = frozenset()) -> Plan:
    """The most important job first, each to the first free place where it fits into what is free there.

    Whose need is unknown goes where most is free. For one that is `overdue` a device is kept free.
    """
    plan, kept = Plan(), set[str]()
    promised = Counter[str]()
    """Bytes of each device that were given away, and are not in use yet."""
    for spot in spots:
        if spot.run is not None and spot.run.state == PREPARING:
            promised[spot.place.device] += need(spot.run, spot.place) or 0
    spots = sorted(spots, key=lambda spot: spot.taken)
    for job in waiting:
        fitting = [spot for spot in spots if spot.place.takes(job) and _fits_empty(need(job, spot.place), spot)]
        empty = [
            spot
            for spot in fitting
            if spot.run is None and spot.place not in plan.given and spot.place.device not in kept
        ]
        chosen = _chosen(job, empty, need, promised)
        if not fitting:
            plan.nowhere.append(job)
        elif chosen is not None:
            plan.given[chosen.place] = job
            promised[chosen.place.device] += need(job, chosen.place) or 0
        elif empty:
            plan.cramped.append(job)
            if job in overdue:
                kept.add(max(empty, key=lambda spot: spot.total).place.device)
    return plan


def stepping_aside(waiting: Iterable[Job], spots: Sequence[Spot], need: Need) -> list[Job]:
    """The runs to pause, so that more important ones that wait have a place: each time the least important one."""
    aside: list[Job] = []
    open_now = [spot for spot in spots if spot.run is None or spot.run.control.wish is not Wish.GO_ON]
    held = [spot for spot in spots if spot not in open_now]
    for job in waiting:
        fitting = [spot for spot in spots if spot.place.takes(job) and _fits_empty(need(job, spot.place), spot)]
        if place := next((spot for spot in open_now if spot in fitting), None):
            open_now.remove(place)
            continue
        lesser = [
            (spot.run.record.priority, -spot.run.record.place, number)
            for number, spot in enumerate(held)
            if spot in fitting and spot.run is not None and spot.run.record.priority < job.record.priority
        ]
        if lesser and (run := held.pop(min(lesser)[-1]).run) is not None:
            aside.append(run)
    return aside


def _fits_empty(wanted: int | None, spot: Spot) -> bool:
    return wanted is None or not spot.total or wanted <= SHARE * spot.total


def _chosen(job: Job, empty: Sequence[Spot], need: Need, promised: Counter[str]) -> Spot | None:
    def free(spot: Spot) -> int:
        return spot.free - promised[spot.place.device]

    wanted = [(spot, need(job, spot.place)) for spot in empty]
    known = (spot for spot, count in wanted if count is not None and (not spot.total or count <= free(spot)))
    unknown = [spot for spot, count in wanted if count is None]
    return next(known, None) or max(unknown, key=lambda spot: (not spot.taken, free(spot)), default=None)
