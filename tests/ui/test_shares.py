"""Behind a proxy too, one visitor cannot take all that the server has for everybody."""

import asyncio

import pytest

from lora_trainer.ui import connections
from lora_trainer.ui.shares import FairShares


class Crowd:
    """Requests that stay until they are let go, through one proxy."""

    def __init__(self):
        self.share, self.go, self.let_in = FairShares(self.app), asyncio.Event(), []

    async def app(self, scope, receive, send):
        self.let_in.append(scope["client"][0])
        await self.go.wait()

    async def ask(self, address, kind="http"):
        """What is sent back at once: a refusal, or nothing yet."""
        sent = []

        async def receive():
            return {"type": "http.request"}

        async def send(message):
            sent.append(message)

        scope = {"type": kind, "client": (address, 5), "method": "GET", "path": "/", "headers": []}
        task = asyncio.ensure_future(self.share(scope, receive, send))
        await asyncio.sleep(0)
        self.tasks = [*getattr(self, "tasks", []), task]
        return sent

    async def leave(self):
        self.go.set()
        await asyncio.gather(*self.tasks)


@pytest.fixture(autouse=True)
def two_each(monkeypatch):
    monkeypatch.setattr(connections, "OF_ONE_ADDRESS", 2)


def test_who_has_as_many_requests_as_one_may_have_is_refused_and_others_are_not():
    async def run():
        crowd = Crowd()
        assert not await crowd.ask("203.0.113.9") and not await crowd.ask("203.0.113.9", "websocket")
        assert (await crowd.ask("203.0.113.9"))[0]["status"] == 429
        assert (await crowd.ask("203.0.113.9", "websocket"))[0] == {"type": "websocket.close", "code": 1008}
        assert not await crowd.ask("203.0.113.8")
        await crowd.leave()
        crowd.go.clear()
        assert not await crowd.ask("203.0.113.9")
        await crowd.leave()
        return crowd.let_in

    assert asyncio.run(run()) == ["203.0.113.9", "203.0.113.9", "203.0.113.8", "203.0.113.9"]


@pytest.mark.parametrize(
    ("addresses", "let_in"),
    [
        (["2001:db8::1", "2001:db8::2", "2001:db8::3"], 2),
        (["2001:db8:0:1::1", "2001:db8:0:2::1", "2001:db8:0:3::1"], 3),
        (["::ffff:203.0.113.7", "::ffff:203.0.113.8", "::ffff:203.0.113.9"], 3),
    ],
)
def test_of_a_long_address_the_network_counts(addresses, let_in):
    async def run():
        crowd = Crowd()
        for address in addresses:
            await crowd.ask(address)
        await crowd.leave()
        return len(crowd.let_in)

    assert asyncio.run(run()) == let_in
