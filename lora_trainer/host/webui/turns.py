"""Taking turns at the host's lock: whoever waits for it gets it between two micro-batches.

The lock wakes its waiters in their order, but is taken by whoever asks first: released and taken again at once, it
comes back before the waiter is awake. So the trainer stands in the queue itself before it lets go.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

TASKS = {"id_task", "task_id"}
"""What the host's functions that draw (or upscale, merge ...) call the name of their task; short users have none."""
PAUSE = 0.01
"""Seconds for which a lock of an unknown kind is free, so that somebody may take it."""


class Turns:
    """The trainer's place at the host's lock. Only the thread that took it may hand it over or leave."""

    def __init__(self, lock: Any) -> None:
        self._lock = lock
        self._known = all(hasattr(lock, name) for name in ("_lock", "_inner_lock", "_pending_threads"))

    def take(self) -> None:
        """Wait for the lock like everybody else."""
        self._lock.acquire()

    def leave(self) -> None:
        self._lock.release()

    def wanted(self, *, by_short_users_only: bool = False) -> bool:
        """Whether somebody waits for the lock; of a lock of an unknown kind that is always assumed."""
        if not self._known:
            return not by_short_users_only
        waiting = bool(self._lock._pending_threads)
        return waiting and (not by_short_users_only or bool(self._short_users()))

    def hand_over(self, *, to_short_users_only: bool = False) -> None:
        """Let the one have the lock who has waited longest, and come back after that one.

        Not after all of them: with a hundred pictures in the queue, a run that is told to stop could not even do that.
        `to_short_users_only`: all token counters, changes of settings and the like, but nobody who draws.
        """
        if not self._known:
            self._lock.release()
            time.sleep(PAUSE)
            self._lock.acquire()
            return
        turn = threading.Event()
        with self._lock._inner_lock:
            queue = self._lock._pending_threads
            if to_short_users_only:
                short = [event for event in self._short_users() if event in queue]
                for event in short:
                    queue.remove(event)
                queue.extendleft(reversed([*short, turn]))
            else:
                queue.insert(1, turn)
        self._lock.release()
        turn.wait()
        self._lock._lock.acquire()

    def _short_users(self) -> list[threading.Event]:
        """Who waits without a task, in no particular order."""
        return [event for event, has_task in self._waiters() if not has_task]

    def _waiters(self) -> Iterator[tuple[threading.Event, bool]]:
        """(what it waits for, whether it has a task) of every thread that waits for the lock, from its call stack."""
        acquire = getattr(type(self._lock).acquire, "__code__", None)
        for frame in sys._current_frames().values():
            stack = list(_stack(frame))
            place = next((n for n, one in enumerate(stack) if one.f_code is acquire), None)
            if place is not None and (event := stack[place].f_locals.get("release_event")) is not None:
                yield event, any(TASKS & {*one.f_code.co_varnames} for one in stack[place:])


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    """A thread's frames, the innermost first."""
    while frame is not None:
        yield frame
        frame = frame.f_back
