"""How long 10,000 events take to reach a reader over HTTP and over the WebSocket, from a server in its own process.

Both processes' CPU seconds are told beside the time on the clock: other programs on the machine do not change those.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import multiprocessing
import socket
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from . import report

EVENTS = 10_000
PAGE = 500
PREFIX = "/lora-trainer/v1"


def measure(rounds: int) -> str:
    """The table: seconds until the last event is there, and CPU seconds of reader and server, over both transports."""
    here, there = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,), daemon=True)
    server.start()
    try:
        port, job = here.recv()
        ways: dict[str, Callable[[], list[int]]] = {
            "polling": lambda: _poll(port, job),
            "WebSocket": lambda: asyncio.run(_listen(port, job)),
        }
        taken: dict[str, list[tuple[float, float, float]]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, read in ways.items():
                taken[name].append(_timed(read, here))
    finally:
        here.send("end")
        server.join(20)
    lines = [report.conditions(), f"{EVENTS} events, the best of {rounds} rounds: seconds, CPU s of server and reader"]
    return "\n".join([*lines, *(_row(name, min(times)) for name, times in taken.items())])


def _row(name: str, times: tuple[float, float, float]) -> str:
    return f"{name:10} {times[0]:6.2f} s   {times[1]:6.2f} CPU s   {times[2]:6.2f} CPU s"


def _timed(read: Callable[[], list[int]], server: Connection) -> tuple[float, float, float]:
    before = _cpu_of(server)
    begun, own = time.perf_counter(), time.process_time()
    heard = read()
    taken, own = time.perf_counter() - begun, time.process_time() - own
    if heard != list(range(1, EVENTS + 1)):
        raise SystemExit("Events were lost or doubled.")
    return taken, _cpu_of(server) - before, own


def _cpu_of(server: Connection) -> float:
    server.send("cpu")
    return server.recv()


def _poll(port: int, job: str) -> list[int]:
    connection, heard, after = http.client.HTTPConnection("127.0.0.1", port), [], 0
    while len(heard) < EVENTS:
        connection.request("GET", f"{PREFIX}/jobs/{job}/events?after={after}&limit={PAGE}")
        answer = json.loads(connection.getresponse().read())
        heard += [event["n"] for event in answer["events"]]
        after = answer["next"]
    connection.close()
    return heard


async def _listen(port: int, job: str) -> list[int]:
    from websockets.asyncio.client import connect

    heard: list[int] = []
    async with connect(f"ws://127.0.0.1:{port}{PREFIX}/live", max_size=None) as live:
        await live.send(json.dumps({"watch": job}))
        while len(heard) < EVENTS:
            told = json.loads(await live.recv()).get("told", {"events": []})
            heard += [event["n"] for event in told["events"]]
    return heard


class _Teller:
    """A run that has told all its events at once and rests."""

    def run(self, job: Any) -> None:
        from lora_trainer.events import Step
        from lora_trainer.jobs.states import FINISHED

        for number in range(1, EVENTS + 1):
            job.feed.append(Step(number, 1, 0.5, 0.5, {"unet": 1e-4}, 0.1, 0.2, 10.0, 2**30, 61.0))
        job.end(FINISHED)


def _serve(master: Connection) -> None:
    """The routes on a server, with a run that has told everything; gives its port and the run's id."""
    import threading

    import uvicorn
    from PIL import Image
    from starlette.applications import Starlette

    from lora_trainer import options
    from lora_trainer.api import add_routes
    from lora_trainer.host.standalone import StandaloneHost
    from lora_trainer.jobs.desk import Desk
    from lora_trainer.jobs.queue import Jobs

    with tempfile.TemporaryDirectory() as folder, socket.socket() as door:
        place = Path(folder)
        (place / "pictures").mkdir()
        Image.new("RGB", (64, 64)).save(place / "pictures" / "a.png")
        config = options.build({"base": {"checkpoint": "pocket"}})
        host = StandaloneHost(config.base, config.memory, place / "loras", place / "data")
        desk = Desk(host, jobs=Jobs(host, host.data_folder() / "runs", runner=_Teller()))
        desk.habits.turn(grid_at_end=False)
        given = {"data.folders": [str(place / "pictures")], "save.name": "told", "steps": EVENTS}
        job = desk.jobs.submit(desk.config(given))
        app = Starlette()
        add_routes(app, desk)
        door.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        while not server.started or job.state != "finished":
            time.sleep(0.05)
        master.send((door.getsockname()[1], job.id))
        while master.recv() == "cpu":
            master.send(time.process_time())
        server.should_exit = True
        thread.join()
        desk.jobs.close()
