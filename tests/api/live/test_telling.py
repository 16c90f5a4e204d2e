"""The socket tells what polling tells, from the reader's cursor on, to those who may hear it."""

import asyncio
import json
import threading
import time
from socket import socket as free_door

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from lora_trainer import options
from lora_trainer.api import PREFIX, add_routes, live, watcher
from lora_trainer.api.glances import Glances
from lora_trainer.events import Step, Warned
from lora_trainer.host.standalone import StandaloneHost
from lora_trainer.jobs.desk import Desk
from lora_trainer.jobs.queue import Jobs
from lora_trainer.jobs.states import PREPARING
from lora_trainer.visitor import USER, Visitor
from tests.jobs.conftest import wait_for
from tests.jobs.light import Patient

LIVE = f"{PREFIX}/live"


def step(number):
    return Step(number, 1, 0.5, 0.5, {"unet": 1e-4}, 0.1, 0.2, 10.0, 1000)


@pytest.fixture
def desk(tmp_path):
    config = options.build({"base": {"checkpoint": "pocket"}})
    host = StandaloneHost(config.base, config.memory, tmp_path / "loras", tmp_path / "data")
    teller = Patient()
    made = Desk(host, jobs=Jobs(host, host.data_folder() / "runs", runner=teller))
    yield made
    teller.go.set()
    made.jobs.close()


@pytest.fixture
def job(desk, pictures):
    return submitted(desk, pictures)


def submitted(desk, pictures, **more):
    config = desk.config({"data.folders": [str(pictures)], "save.name": "zorb", "steps": 20_000})
    return desk.jobs.submit(config, **more)


class People:
    """A sign-in that can be taken back: whoever is in `known` comes in by their header."""

    def __init__(self, *names):
        self.known = {name: Visitor(name, USER) for name in names}

    def __call__(self, connection):
        return self.known.get(connection.headers.get("x-name"), False)


def served(desk, guard=None):
    app = Starlette()
    add_routes(app, desk, guard)
    return TestClient(app)


@pytest.fixture
def client(desk):
    return served(desk)


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


def test_others_runs_are_not_there(desk, pictures):
    hers = submitted(desk, pictures, owner="ann")
    client = served(desk, People("ann", "bob"))
    with client.websocket_connect(LIVE, headers={"x-name": "bob"}) as socket:
        assert told(socket, "state")["jobs"] == []
        socket.send_json({"watch": hers.id})
        assert socket.receive_json()["error"]["code"] == "no_job"
    with client.websocket_connect(LIVE, headers={"x-name": "ann"}) as socket:
        assert [one["id"] for one in told(socket, "state")["jobs"]] == [hers.id]


@pytest.mark.parametrize("headers", [{}, {"x-name": "ann", "origin": "http://evil.example"}])
def test_strangers_and_pages_of_other_sites_are_not_let_in(desk, headers):
    client = served(desk, People("ann"))
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(LIVE, headers=headers):
        pass


def test_a_ticket_lets_its_visitor_in_once_and_for_a_while(desk, monkeypatch):
    client = served(desk, People("ann"))
    ticket = client.post(f"{PREFIX}/tickets", headers={"x-name": "ann"}).json()["ticket"]
    monkeypatch.setattr(watcher, "CHECK", 0.0)
    monkeypatch.setattr(watcher, "LOOK", 0.1)
    monkeypatch.setattr(live, "TICKET_LASTS", 0.5)
    with client.websocket_connect(f"{LIVE}?ticket={ticket}") as socket:
        assert told(socket, "state")["visitor"]["name"] == "ann"
        assert code_of_end(socket) == watcher.ENDED
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"{LIVE}?ticket={ticket}"):
        pass


@pytest.mark.parametrize("now", [None, Visitor("ann", "admin")], ids=["ended", "another role"])
def test_whoever_is_no_more_who_they_were_is_told_nothing_more(desk, monkeypatch, now):
    people = People("ann")
    monkeypatch.setattr(watcher, "CHECK", 0.1)
    monkeypatch.setattr(watcher, "LOOK", 0.1)
    with served(desk, people).websocket_connect(LIVE, headers={"x-name": "ann"}) as socket:
        told(socket, "state")
        people.known = {"ann": now} if now else {}
        assert code_of_end(socket) == watcher.ENDED


def code_of_end(socket):
    with pytest.raises(WebSocketDisconnect) as error:
        while True:
            socket.receive_json()
    return error.value.code


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


def test_one_visitor_has_only_so_many_sockets(desk, monkeypatch):
    monkeypatch.setattr(live, "MOST_EACH", 2)
    client, ann, bob = served(desk, People("ann", "bob")), {"x-name": "ann"}, {"x-name": "bob"}
    with client.websocket_connect(LIVE, headers=ann), client.websocket_connect(LIVE, headers=ann):
        with client.websocket_connect(LIVE, headers=ann) as third:
            assert code_of_end(third) == watcher.TOO_MANY
        with client.websocket_connect(LIVE, headers=bob) as his:
            assert told(his, "state")
    with client.websocket_connect(LIVE, headers=ann) as again:
        assert told(again, "state")


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
