"""A server of its own in a thread, on this machine's own address, and one whose connections break."""

import socket
import threading
import time
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

from lora_trainer.api import add_routes
from lora_trainer.ui.sign_in import SignIn
from lora_trainer.ui.walls import LoopbackWall, SignInWall, guard


@contextmanager
def served(app):
    """Serve an application; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + 60
    while not server.started:
        assert time.monotonic() < end
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


def application(desk, accounts=None):
    """The routes of a standalone server behind its wall, without the page."""
    app = Starlette()
    add_routes(app, desk, guard if accounts else None)
    return SignInWall(app, SignIn(accounts), desk.tickets) if accounts else LoopbackWall(app)


class Breaking:
    """Does what it is asked for, and breaks the connection in the middle of the answer: every `every`th time."""

    def __init__(self, app, every=3):
        self.app, self.every, self.asked, self.broken = app, every, 0, 0

    async def __call__(self, scope, receive, send):
        self.asked += 1
        if self.asked % self.every:
            await self.app(scope, receive, send)
            return
        self.broken += 1
        messages = []

        async def keep(message):
            messages.append(message)

        await self.app(scope, receive, keep)
        body = b"".join(message.get("body", b"") for message in messages[1:])
        await send(messages[0])
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        raise ConnectionAbortedError  # uvicorn closes the connection
