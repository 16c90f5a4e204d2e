"""Requests as an attacker sends them: what stands in path, headers and body reaches the routes as it is.

Clients for well-meaning programs tidy addresses up ('/a/../b' becomes '/b'), so requests are made of the bytes that a
server would have read.
"""

import asyncio
import json
from dataclasses import dataclass
from urllib.parse import unquote

from lora_trainer.api import PREFIX

JSON = [("content-type", "application/json")]
_LOOP = asyncio.new_event_loop()  # one for all: they are thousands


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)


def ask(app, method, path, *, body=b"", query="", headers=(), host="testserver", prefix=PREFIX):
    """One request to an ASGI application; `path` is sent as it is written. Errors of the application are raised."""
    raw = prefix + path
    named = [("host", host), ("content-length", str(len(body))), *headers]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(raw),
        "raw_path": raw.encode("ascii", "replace"),
        "root_path": "",
        "query_string": query.encode("ascii", "replace"),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in named],
        "client": ("203.0.113.7", 40000),
        "server": ("testserver", 80),
    }
    return _LOOP.run_until_complete(_answer(app, scope, body))


async def _answer(app, scope, body):
    given, told = asyncio.Event(), []

    async def receive():
        if given.is_set():
            await asyncio.sleep(60)  # an attacker does not hang up
        given.set()
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        told.append(message)

    await asyncio.wait_for(app(scope, receive, send), 60)
    head = next(message for message in told if message["type"] == "http.response.start")
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in head["headers"]}
    return Answer(head["status"], headers, b"".join(message.get("body", b"") for message in told))


def refused(answer):
    """Whether an answer says no in a sentence: also the server's own to addresses that are none of ours."""
    if not 400 <= answer.status < 500:
        return False
    if answer.headers["content-type"].startswith("text/plain"):
        return answer.status in (404, 405)
    return bool(answer.json()["error"]["text"].strip())
