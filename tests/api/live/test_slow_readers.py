"""A reader that is slower than what it is told costs nobody anything."""

import asyncio
import json

from lora_trainer.api import watcher
from lora_trainer.api.glances import Glances

from .listening import step


class Stuck:
    """A connection whose reader has said what it wants and takes nothing until it is let."""

    def __init__(self, *said):
        self.said, self.sent, self.taken = list(said), [], asyncio.Event()

    async def receive(self):
        if not self.said:
            await asyncio.sleep(60)
        return {"type": "websocket.receive", "text": json.dumps(self.said.pop(0))}

    async def send_text(self, text):
        self.sent.append(json.loads(text))
        await self.taken.wait()


def watched_by(reader, desk):
    async def looked_up(work):
        return work()

    async def still():
        return True

    return watcher.Watcher(reader, desk, looked_up, Glances(), still).run()


def test_nothing_is_piled_up_for_a_reader_that_is_slow(desk, job):
    async def scene():
        reader = Stuck({"watch": job.id})
        going = asyncio.ensure_future(watched_by(reader, desk))
        for number in range(1, 2001):
            job.feed.append(step(number))
            await asyncio.sleep(0)
        await asyncio.sleep(0.2)
        waiting = len(reader.sent)
        reader.taken.set()
        while reader.sent[-1].get("told", {}).get("next") != 2000:
            await asyncio.sleep(0.01)
        going.cancel()
        return waiting, [one["n"] for sent in reader.sent for one in sent.get("told", {"events": ()})["events"]]

    waiting, heard = asyncio.run(scene())
    assert waiting == 1 and heard == list(range(1, 2001))


def test_a_reader_that_takes_nothing_is_given_up(desk, monkeypatch):
    async def scene():
        return await watched_by(Stuck(), desk)

    monkeypatch.setattr(watcher, "PATIENCE", 0.1)
    assert asyncio.run(scene()) == watcher.TOO_SLOW and desk.jobs.news._listeners == ()
