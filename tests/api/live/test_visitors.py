"""Who may listen at the socket: for how long, to whose runs, and at how many places at a time."""

import pytest
from starlette.websockets import WebSocketDisconnect

from lora_trainer.api import PREFIX, live, watcher
from lora_trainer.visitor import USER, Visitor

from .listening import LIVE, code_of_end, served, submitted, told


class People:
    """A sign-in that can be taken back: whoever is in `known` comes in by their header."""

    def __init__(self, *names):
        self.known = {name: Visitor(name, USER) for name in names}

    def __call__(self, connection):
        return self.known.get(connection.headers.get("x-name"), False)


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
