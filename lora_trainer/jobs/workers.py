"""Brings waiting jobs to the places where they run: a thread for each place takes what `placing` decides."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from ..sentences import Sentence
from .job import Job
from .line import Line
from .needs import Needs
from .places import Place
from .placing import Plan, Spot, planned, stepping_aside
from .states import PAUSED, QUEUED, STOPPING
from .turn import Ticket, Turn
from .wakefulness import awake

LOOK_AGAIN = 2.0
"""Seconds after which whoever waits for room looks again: memory is given back without a word."""
PASSES, MINUTES = 5, 30.0
"""A job that waits for room lets others pass: so many of them, or so long. Then a device is kept free for it."""


class Patience:
    """How often and since when jobs that wait for room have been passed."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._passed: dict[str, tuple[int, float]] = {}

    def pass_by(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            count, since = self._passed.get(job.id, (0, self._now()))
            self._passed[job.id] = count + 1, since

    def forget(self, job: Job) -> None:
        self._passed.pop(job.id, None)

    def is_over(self, job: Job) -> bool:
        count, since = self._passed.get(job.id, (0, 0.0))
        return count >= PASSES or (count > 0 and self._now() - since >= 60 * MINUTES)


class Workers:
    """One run at a time at each place. `line_lock` guards the line and `running`, and tells when they change.

    `places` is asked when the first job comes. `run` runs a job at a place until it has ended or rests, and `tell`
    hears of one that was paused because it fits nowhere; neither is called under the lock.
    """

    def __init__(
        self,
        line: Line,
        turn: Turn,
        places: Callable[[], Sequence[Place]],
        run: Callable[[Job, Place], None],
        tell: Callable[[Job], None],
    ) -> None:
        self.line_lock = threading.Condition(threading.RLock())
        self.running: dict[Place, Job] = {}
        self.needs, self.patience = Needs(), Patience()
        self._line, self._turn, self._ask_places, self._run, self._tell = line, turn, places, run, tell
        self._places: tuple[Place, ...] = ()
        self._ticket: Ticket | None = None
        self._at_work = self._ending = False

    @property
    def places(self) -> tuple[Place, ...]:
        """Those that there are, the host's own first."""
        with self.line_lock:
            self._places = self._places or tuple(self._ask_places())
            return self._places

    def begin(self) -> None:
        """There is a job: somebody has to look."""
        places = self.places
        with self.line_lock:
            if not self._at_work:
                self._at_work = True
                for place in places:
                    name = f"train-lora jobs on {place.name}"
                    threading.Thread(target=self._work, args=(place,), name=name, daemon=True).start()
            self.line_lock.notify_all()

    def make_way(self) -> None:
        """Let runs step aside where more important ones wait."""
        with self.line_lock:
            least = min((job.record.priority for job in self.running.values()), default=None)
            waiting = [job for job in self._waiting() if least is not None and job.record.priority > least]
            unknown = next((job for job in waiting if not self._is_known(job)), None)
            known = [job for job in waiting if self._is_known(job)]
            leaving = stepping_aside(known, self._spots(), self._need) if known else []
        for job in leaving:
            job.step_aside()
        if unknown is not None:  # nobody at a free place looks at it, perhaps because there is none
            threading.Thread(target=self._look_ahead, args=(unknown,), daemon=True).start()

    def end(self, seconds: float) -> bool:
        """Begin nothing more, and let all runs step aside for the next program; whether they have, in that time."""
        with self.line_lock:
            self._ending = True
            for job in self.running.values():
                job.step_aside()
            return self.line_lock.wait_for(lambda: not self.running, seconds)

    def forget(self, job: Job) -> None:
        """There is no such job any more."""
        self.needs.forget(job)
        self.patience.forget(job)

    def wanted_here(self) -> bool:
        """Whether any job waits that might be run on the host's own model."""
        with self.line_lock:
            waiting = list(self._line)
            return any(self._places and self._places[0].takes(job) for job in waiting)

    def _work(self, place: Place) -> None:
        while True:
            name, job_id = self._await(place)
            with awake(), self._turn_at(place, name, job_id) as ticket:
                with self.line_lock:
                    job = self._taken(place)  # the line may have changed while this waited
                if job is None:
                    continue
                ticket.name, ticket.job = job.record.name, job.id
                try:
                    self._run(job, place)
                finally:
                    self._leave(job, place)

    def _look_ahead(self, job: Job) -> None:
        self.needs.learn(job, self.places)
        self.make_way()

    def _await(self, place: Place) -> tuple[str, str]:
        """Wait until there is a job for this place; whose turn it is."""
        while True:
            with self.line_lock:
                self.line_lock.wait_for(lambda: len(self._line) > 0 and not self._ending)
                plan = self._plan()
                if (job := plan.given.get(place)) is not None:
                    return job.record.name, job.id
                unknown = next((job for job in self._waiting() if not self._is_known(job)), None)
                refused = [job for job in plan.nowhere if self._refused(job)]
                if not refused and unknown is None:
                    self.line_lock.wait(LOOK_AGAIN)
            for job in refused:
                self._tell(job)
            if unknown is not None:
                self.needs.learn(unknown, self.places)

    def _plan(self) -> Plan:
        """Nobody is passed by one of whom it is not known yet whether it fits."""
        if self._ending:
            return Plan()
        known: list[Job] = []
        for job in self._waiting():
            if not self._is_known(job):
                break
            known.append(job)
        plan = planned(known, self._spots(), self._need, [job for job in known if self.patience.is_over(job)])
        self._say_who_is_cramped(plan)
        return plan

    def _waiting(self) -> list[Job]:
        """Those in line that still want to run; who was paused or stopped meanwhile leaves it."""
        for job in list(self._line):
            if job.state not in (QUEUED, STOPPING):
                self._line.leave(job)
        return [job for job in self._line if job not in self.running.values()]

    def _is_known(self, job: Job) -> bool:
        """Where there is one place alone, nobody asks: a run makes do with what there is."""
        return len(self._places) == 1 or job.state == STOPPING or self.needs.knows(job, self._places)

    def _need(self, job: Job, place: Place) -> int | None:
        """What only wants to save, has run already."""
        return None if job.state == STOPPING else self.needs.of(job, place)

    def _spots(self) -> list[Spot]:
        return [self._spot(place) for place in self._places]

    def _spot(self, place: Place) -> Spot:
        free, total = place.memory() if len(self._places) > 1 else (0, 0)
        taken = place.own and self._turn.holder not in (None, self._ticket)
        return Spot(place, free, total, self.running.get(place), taken)

    def _taken(self, place: Place) -> Job | None:
        """The job for this place, out of the line and here."""
        plan = self._plan()
        job = None if self._ending else plan.given.get(place)
        if job is not None:
            order = list(self._line)
            self.patience.pass_by([one for one in plan.cramped if order.index(one) < order.index(job)])
            self.patience.forget(job)
            self._line.leave(job)
            self.running[place] = job
        return job

    def _leave(self, job: Job, place: Place) -> None:
        with self.line_lock:
            self.running.pop(place, None)
            job.line_up_again()
            self.line_lock.notify_all()

    def _refused(self, job: Job) -> bool:
        """Pause a job that fits nowhere, with the reason; whether it was still waiting."""
        if job.state != QUEUED:
            return False
        self._line.leave(job)
        job.hold_back(self.needs.refused(job, self._places))
        return job.state == PAUSED

    def _say_who_is_cramped(self, plan: Plan) -> None:
        for job in plan.cramped:
            if not isinstance(job.record.message, Sentence) or job.record.message.code != "waits_for_room":
                empty = [place for place in self._places if place not in self.running and place.takes(job)]
                job.change(message=self.needs.cramped(job, empty))

    @contextlib.contextmanager
    def _turn_at(self, place: Place, name: str, job_id: str) -> Iterator[Ticket]:
        """At the host's own place, wait for the turn on its model."""
        ticket = Ticket(name, job_id)
        if not place.own:
            yield ticket
            return
        self._ticket = ticket
        with self._turn.held(self._turn.join(ticket)):
            yield ticket
