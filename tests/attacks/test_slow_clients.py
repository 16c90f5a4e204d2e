"""Clients that take their time, or say one thing and send another: others at the same server do not notice."""

import contextlib
import json
import os
import socket
import tempfile
import threading
import time
import zlib

import pytest

from lora_trainer.api import PREFIX, bodies
from lora_trainer.ui import connections
from lora_trainer.ui.server import Place, listening, server_of

from .conftest import png

MANY = 20
LONGEST = 15.0
"""Seconds for which an attack goes on where nothing ends it: those who would wait for it would wait as long."""
HEAD = "Host: {host}\r\nX-Name: root\r\n"
UPLOAD = f"PUT {PREFIX}/datasets/{{dataset}}/files/slow.png HTTP/1.1\r\n{HEAD}"


@pytest.fixture(scope="module")
def hasty():
    """Tenths of seconds in place of half minutes."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HEAD_SECONDS", "GRACE", "REST_SECONDS", "STALLED_SECONDS"):
            patch.setattr(connections, name, 0.6)
        patch.setattr(connections, "LOOK_EVERY", 0.1)
        patch.setattr(bodies, "SILENT_SECONDS", 0.5)
        patch.setattr(bodies, "GRACE", 0.5)
        patch.setattr(bodies, "LEAST_RATE", 10_000.0)
        yield


@pytest.fixture(scope="module")
def address(app, hasty):
    place = Place(port=0)
    listener = listening(place)
    server = server_of(app, place)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield listener.getsockname()
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


@pytest.fixture
def honest(address):
    """Asks as somebody who does not know of any attack; the answer, and how long it took."""

    def ask(method, path, body=b""):
        began = time.monotonic()
        with socket.create_connection(address, timeout=LONGEST) as client:
            head = f"{method} {PREFIX}{path} HTTP/1.1\r\n{HEAD}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
            client.sendall(head.format(host=address[0]).encode() + body)
            answer = b""
            while piece := client.recv(2**16):
                answer += piece
        head, _, content = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(content), time.monotonic() - began

    return ask


def no_head(client, dataset):
    yield b"GET /lora-trainer/v1/state HTTP/1.1\r\nHost: x\r\n"
    while True:
        yield b"a"


def nothing(client, dataset):
    yield b""


def body_drop_by_drop(client, dataset):
    yield UPLOAD.format(host="x", dataset=dataset).encode() + b"Content-Length: 1000000\r\n\r\n"
    while True:
        yield b"x"


def body_without_end(client, dataset):
    yield UPLOAD.format(host="x", dataset=dataset).encode() + b"Transfer-Encoding: chunked\r\n\r\n"
    while True:
        yield b"1\r\nx\r\n"


def body_shorter_than_said(client, dataset):
    yield UPLOAD.format(host="x", dataset=dataset).encode() + b"Content-Length: 5000\r\n\r\n" + bytes(100)


def body_longer_than_said(client, dataset):
    yield UPLOAD.format(host="x", dataset=dataset).encode() + b"Content-Length: 3\r\n\r\n" + b"G" * 2**16


def body_said_too_large(client, dataset):
    yield UPLOAD.format(host="x", dataset=dataset).encode() + b"Content-Length: 99999999999999\r\n\r\n" + bytes(2**16)


def json_too_large(client, dataset):
    yield f"POST {PREFIX}/datasets HTTP/1.1\r\n{HEAD}".format(host="x").encode()
    yield b"Transfer-Encoding: chunked\r\n\r\n"
    while True:
        yield b"10000\r\n" + b"x" * 65536 + b"\r\n"


def two_lengths(client, dataset):
    yield UPLOAD.format(host="x", dataset=dataset).encode()
    yield b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\nHost: x\r\n\r\n"


def reads_nothing(client, dataset):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    asked = f"GET {PREFIX}/options HTTP/1.1\r\n{HEAD}\r\n".format(host="x").encode()
    while True:
        yield asked * 300


ATTACKS = (
    no_head,
    nothing,
    body_drop_by_drop,
    body_without_end,
    body_shorter_than_said,
    body_longer_than_said,
    body_said_too_large,
    json_too_large,
    two_lengths,
    reads_nothing,
)


def carry_on(address, attack, dataset, end):
    """One attacker, until the server lets go of it; whether it did."""
    with socket.create_connection(address, timeout=0.2) as client, contextlib.suppress(OSError):
        try:
            for piece in attack(client, dataset):
                with contextlib.suppress(TimeoutError):
                    client.sendall(piece)
                time.sleep(0.03)
                if time.monotonic() > end:
                    return False
            client.settimeout(max(0.1, end - time.monotonic()))
            while client.recv(2**16):
                pass
        except TimeoutError:
            return False
    return True


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_others_are_answered_and_the_attackers_let_go(attack, address, honest, dataset, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before, let_go = threading.active_count(), []
    many = 3 if attack is reads_nothing else MANY  # those have answers made for them that fill the system's buffers
    end = time.monotonic() + LONGEST
    attackers = [
        threading.Thread(target=lambda: let_go.append(carry_on(address, attack, dataset, end))) for _ in range(many)
    ]
    for one in attackers:
        one.start()
    waits = []
    while any(one.is_alive() for one in attackers) and time.monotonic() < end:
        status, _, seconds = honest("GET", "/session")
        assert status == 200
        waits.append(seconds)
        time.sleep(0.1)
    for one in attackers:
        one.join()
    assert all(let_go) and len(let_go) == many
    assert max(waits) < LONGEST / 3
    assert threading.active_count() < before + MANY  # none has a thread to itself
    assert [*tmp_path.iterdir()] == []


def test_a_broken_upload_leaves_no_part_of_a_part_and_goes_on(address, honest, dataset):
    picture = png(70)
    announced = json.dumps({"name": "parts.png", "size": len(picture)}).encode()
    status, begun, _ = honest("POST", f"/datasets/{dataset}/uploads", announced)
    assert status == 200
    path = f"/datasets/{dataset}/uploads/{begun['id']}"
    head = f"PUT {PREFIX}{path}?offset=0&crc32={zlib.crc32(picture):08x} HTTP/1.1\r\n{HEAD}".format(host=address[0])
    for _ in range(5):
        with socket.create_connection(address) as client:
            client.sendall(head.encode() + f"Content-Length: {len(picture)}\r\n\r\n".encode() + picture[:50])
    assert honest("GET", path)[1]["offset"] == 0
    query = f"?offset=0&crc32={zlib.crc32(picture):08x}"
    assert honest("PUT", path + query, picture)[1]["offset"] == len(picture)
    assert honest("PUT", path + query, picture)[0] == 409
    assert honest("POST", f"{path}/finish")[0] == 200


def test_large_bodies_at_a_time_are_counted(address, honest, dataset, monkeypatch):
    monkeypatch.setattr(bodies, "MOST_EACH", 3)
    monkeypatch.setattr(bodies, "SILENT_SECONDS", 30.0)
    monkeypatch.setattr(bodies, "LEAST_RATE", 0.0)
    monkeypatch.setattr(connections, "GRACE", 30.0)
    head = UPLOAD.format(host="x", dataset=dataset).encode() + b"Content-Length: 5000\r\n\r\n"
    with contextlib.ExitStack() as held:
        for _ in range(3):
            held.enter_context(socket.create_connection(address)).sendall(head)
        wait_for(lambda: honest("PUT", f"/datasets/{dataset}/files/a.txt", b"a zorb")[0] == 429)
    wait_for(lambda: honest("PUT", f"/datasets/{dataset}/files/a.txt", b"a zorb")[0] == 200)


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="memory is read from /proc")  # noqa: PTH110
def test_memory_stays_bounded(address, dataset):
    def resident():
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    before, end = resident(), time.monotonic() + 1.5
    attackers = [
        threading.Thread(target=carry_on, args=(address, attack, dataset, end))
        for attack in (json_too_large, reads_nothing, body_longer_than_said) * 10
    ]
    for one in attackers:
        one.start()
    for one in attackers:
        one.join()
    assert resident() - before < 150 * 2**20


def wait_for(condition, seconds=LONGEST):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
