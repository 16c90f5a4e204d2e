"""Follows a run on a server as `train` shows one of its own."""

from __future__ import annotations

import dataclasses
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from ..events import EVENTS, Event, from_json
from ..sentences import from_json as sentence
from .progress import Screen

if TYPE_CHECKING:
    from ..client import Client
    from ..wire.jobs import Job

RESTS = ("paused", "interrupted")
QUESTION = "\nThe run goes on at the server. Type s to stop it there, with a save; Enter leaves it running: "


class Left(Exception):
    """Whoever watched has gone; the run goes on."""


def follow(client: Client, job: Job, *, quiet: bool) -> dict[str, Any]:
    """Show a run until it has ended, and return how, as `train` does. Ctrl+C asks what is to become of it."""
    screen = Screen(quiet)
    told = job
    try:
        with _interrupt_asks(client, job["id"]):
            for news in client.jobs.watch(job["id"]):
                screen.say(_changed(told, told := news["job"]))
                for event in map(event_of, news["events"]):
                    screen.show(event)
    except Left:
        left = f"'{job['name']}' goes on at the server. `jobs watch {job['id']}` shows it again."
        return {**screen.result, "job": job["id"], "ok": False, "error": left}
    finally:
        screen.close()
    return {**screen.result, "job": job["id"], **_outcome(told)}


def event_of(values: Mapping[str, Any]) -> Event:
    """An event as a server tells it. Of newer servers than this program, what is not known here is left out."""
    if values["kind"] not in EVENTS.names():
        return Event()
    known = {item.name for item in dataclasses.fields(EVENTS.get(values["kind"]))}
    return from_json({key: value for key, value in values.items() if key in known or key == "kind"})


def _changed(before: Job, now: Job) -> str:
    """What there is to say of a run that waits or rests; empty where that is nothing new."""
    message = now["message"] and sentence(now["message"])
    if now["state"] == before["state"] and now["message"] == before["message"]:
        return ""
    if now["state"] in ("queued", *RESTS):
        return f"The run is {now['state']}. {message or ''}".strip()
    return str(message or "")


def _outcome(job: Job) -> dict[str, Any]:
    if job["state"] == "finished":
        return {"ok": True, "state": job["state"]}
    reason = sentence(job["message"]) if job["message"] else f"The run was {job['state']} after step {job['step']}."
    return {"ok": False, "state": job["state"], "error": reason}


@contextmanager
def _interrupt_asks(client: Client, job: str) -> Iterator[None]:
    """Ctrl+C asks whether the run is to be stopped; a second one, or nobody to ask, leaves it. Raises Left."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: Any) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if not _is_to_stop():
            raise Left
        print("Stopping after this step; the work so far is saved.", file=sys.stderr)
        try:
            client.jobs.stop_and_save(job)
        except UserError as error:
            print(f"It could not be stopped: {error}", file=sys.stderr)
        signal.signal(signal.SIGINT, ask)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _is_to_stop() -> bool:
    if not sys.stdin.isatty():
        return False
    try:
        return input(QUESTION).strip().lower() in ("s", "stop")
    except (KeyboardInterrupt, EOFError):
        return False
