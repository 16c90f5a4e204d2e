"""The socket tells what polling tells, from the reader's cursor on."""

import json
import threading
import time
from socket import socket as free_door

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from lora_trainer.api import PREFIX, add_routes, watcher
from lora_trainer.events import Warned
from lora_trainer.jobs.states import PREPARING
from tests.jobs.conftest import wait_for

from .listening import LIVE, code_of_end, numbers, step, told


def test_the_state_comes_first_and_is_what_polling_gives(client, job):
    wait_for(lambda: job.state == PREPARING)
    with client.websocket_connect(LIVE) as socket:
        first = socket.receive_json()
        assert first == {"state": client.get(f"{PREFIX}/state").json(), "asked": 0}


def test_what_changes_is_told_without_being_asked(client, desk, job):
    with client.websocket_connect(LIVE) as socket:
        told(socket, "state")
        desk.jobs.prefer(job, 3)
        state = told(socket, "state")
        while state["jobs"][0]["priority"] != 3:
            state = told(socket, "state")


def test_events_are_those_of_polling(client, job):
    job.feed.append(step(1))
    job.feed.append(Warned("odd", "Something is odd."))
    with client.websocket_connect(LIVE) as socket:
        socket.send_json({"watch": job.id})
        assert told(socket, "told") == client.get(f"{PREFIX}/jobs/{job.id}/events").json()


def test_a_reader_that_watches_hears_every_event_once(client, job):
    with client.websocket_connect(LIVE) as socket:
        socket.send_json({"watch": job.id, "every": 0.1})
        assert told(socket, "told")["events"] == []
        teller = threading.Thread(target=lambda: [job.feed.append(step(n)) for n in range(1, 1301)])
        teller.start()
        assert numbers(socket, 1300) == list(range(1, 1301))
        teller.join()


def test_a_broken_connection_loses_and_doubles_nothing(client, job):
    heard, cursor = [], {}
    for part in range(5):
        with client.websocket_connect(LIVE) as socket:
            socket.send_json({"watch": job.id, **cursor})
            for n in range(part * 700 + 1, part * 700 + 701):
                job.feed.append(step(n))
            answer = told(socket, "told")
            while not answer["events"]:
                answer = told(socket, "told")
        heard += [event["n"] for event in answer["events"]]
        cursor = {"feed": answer["feed"], "after": answer["next"]}
    after = {"after": cursor["after"], "feed": cursor["feed"], "limit": 10_000}
    heard += [event["n"] for event in client.get(f"{PREFIX}/jobs/{job.id}/events", params=after).json()["events"]]
    assert heard == list(range(1, 3501))


def test_a_reader_that_knows_the_feed_of_an_earlier_program_gets_all(client, job):
    job.feed.append(step(1))
    with client.websocket_connect(LIVE) as socket:
        socket.send_json({"watch": job.id, "feed": "another", "after": 17})
        assert [event["n"] for event in told(socket, "told")["events"]] == [1]


def test_it_is_there_below_another_path_too(desk, job):
    inner = Starlette()
    add_routes(inner, desk)
    client = TestClient(Starlette(routes=[Mount("/sub", inner)]))
    with client.websocket_connect(f"/sub{LIVE}", headers={"origin": "http://testserver"}) as socket:
        assert told(socket, "state")["jobs"][0]["id"] == job.id


def test_a_question_for_the_state_is_answered_though_nothing_has_changed(client):
    with client.websocket_connect(LIVE) as socket:
        told(socket, "state")
        socket.send_json({"state": 7})
        assert told(socket, "asked") == 7


def test_a_run_that_is_not_there_is_told_in_words_and_the_socket_stays(client, job):
    with client.websocket_connect(LIVE) as socket:
        told(socket, "state")
        socket.send_json({"watch": "none"})
        message = socket.receive_json()
        assert (message["error"]["code"], message["watch"]) == ("no_job", "none")
        socket.send_json({"watch": job.id})
        assert told(socket, "told")["job"]["id"] == job.id


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("{", watcher.NOT_UNDERSTOOD),
        ("[" * 4000, watcher.NOT_UNDERSTOOD),
        ('["watch"]', watcher.NOT_UNDERSTOOD),
        ('{"watch": 1}', watcher.NOT_UNDERSTOOD),
        ('{"watch": "x", "after": "1"}', watcher.NOT_UNDERSTOOD),
        ('{"every": NaN, "more": 1}', watcher.NOT_UNDERSTOOD),
        ('{"watch": "' + "x" * 5000 + '"}', watcher.TOO_LARGE),
    ],
    ids=str,
)
def test_what_is_no_message_ends_the_conversation(client, said, code):
    with client.websocket_connect(LIVE) as socket:
        socket.send_text(said)
        assert code_of_end(socket) == code


def test_many_sockets_hold_no_thread_while_they_wait(client, job):
    sockets = [client.websocket_connect(LIVE) for _ in range(10)]
    for socket in sockets:
        socket.__enter__()
        socket.send_json({"watch": job.id})
        assert told(socket, "state")
    begun = time.monotonic()
    assert client.get(f"{PREFIX}/state").status_code == 200 and time.monotonic() - begun < 10
    job.feed.append(step(1))
    assert all(numbers(socket, 1) == [1] for socket in sockets)
    for socket in sockets:
        socket.__exit__(None, None, None)
    assert len(job.feed.news._listeners) == 0


def test_quiet_sockets_are_told_that_they_are_alive(client, monkeypatch):
    monkeypatch.setattr(watcher, "ALIVE", 0.1)
    monkeypatch.setattr(watcher, "LOOK", 0.1)
    with client.websocket_connect(LIVE) as socket:
        assert told(socket, "alive") is True


def test_a_server_ends_though_somebody_listens(desk, job):
    """As at 'Reload UI': the listener is told, and nothing waits for it."""
    uvicorn, client = pytest.importorskip("uvicorn"), pytest.importorskip("websockets.sync.client")
    app = Starlette()
    add_routes(app, desk)
    with free_door() as door:
        door.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        while not server.started:
            time.sleep(0.02)
        with client.connect(f"ws://127.0.0.1:{door.getsockname()[1]}{LIVE}") as listener:
            assert "state" in json.loads(listener.recv(10))
            server.should_exit = True
            thread.join(10)
            assert not thread.is_alive()
            with pytest.raises(Exception, match="1012"):
                listener.recv(10)
    assert desk.jobs.news._listeners == ()
