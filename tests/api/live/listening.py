"""Listening at the socket: what is said there, waited for."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from lora_trainer.api import PREFIX, add_routes
from lora_trainer.events import Step

LIVE = f"{PREFIX}/live"


def step(number):
    return Step(number, 1, 0.5, 0.5, {"unet": 1e-4}, 0.1, 0.2, 10.0, 1000)


def submitted(desk, pictures, **more):
    config = desk.config({"data.folders": [str(pictures)], "save.name": "zorb", "steps": 20_000})
    return desk.jobs.submit(config, **more)


def served(desk, guard=None):
    app = Starlette()
    add_routes(app, desk, guard)
    return TestClient(app)


def told(socket, key):
    """The next message that holds this; every other is passed over."""
    while key not in (message := socket.receive_json()):
        assert "error" not in message, message
    return message[key]


def numbers(socket, last):
    """The numbers of all events that are told until that one, as they come."""
    heard = []
    while not heard or heard[-1] < last:
        heard += [event["n"] for event in told(socket, "told")["events"]]
    return heard


def code_of_end(socket):
    with pytest.raises(WebSocketDisconnect) as error:
        while True:
            socket.receive_json()
    return error.value.code
