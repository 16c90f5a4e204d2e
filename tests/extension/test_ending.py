"""However a WebUI ends, what runs is closed first, once, and the WebUI's own handler has its say."""

import atexit
import os
import signal
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from lora_trainer.extension import ending, start


@pytest.fixture
def handled(monkeypatch):
    """What a WebUI's own handlers were told, and what was registered for Python's end."""
    told, at_exit = [], []
    monkeypatch.setattr(atexit, "register", at_exit.append)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda number, frame: told.append(number))
    yield told, at_exit
    for number, handler in before.items():
        signal.signal(number, handler)


def send(number):
    os.kill(os.getpid(), number)
    time.sleep(0.05)  # Python hears of it at its next step


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_closes_and_then_comes_to_the_webui(handled, number):
    told, at_exit = handled
    closed = []
    ending.close_at_end(lambda seconds: closed.append((seconds, list(told))))
    send(number)
    assert (closed, told) == ([(ending.SECONDS, [])], [number])
    at_exit[0]()
    assert len(closed) == 1


def test_a_second_signal_ends_at_once(handled):
    told, _ = handled
    closed = []

    def close(seconds):
        closed.append(seconds)
        send(signal.SIGINT)
        assert told == [signal.SIGINT]

    ending.close_at_end(close)
    send(signal.SIGINT)
    assert len(closed) == 1


def test_a_host_that_starts_its_page_in_a_thread_sets_the_handlers_in_its_main_one(handled, monkeypatch):
    told, _ = handled
    closed, asked = [], []
    forge = SimpleNamespace(async_run=lambda function, *arguments: asked.append((function, arguments)))
    monkeypatch.setitem(sys.modules, "modules_forge.main_thread", forge)
    starting = threading.Thread(target=ending.close_at_end, args=(closed.append,))
    starting.start()
    starting.join()
    for function, arguments in asked:
        function(*arguments)
    send(signal.SIGINT)
    assert (closed, told) == ([ending.SECONDS], [signal.SIGINT])


def test_python_s_own_end_closes(handled):
    closed = []
    ending.close_at_end(closed.append)
    handled[1][0]()
    assert closed == [ending.SECONDS]


def test_what_cannot_be_closed_keeps_nobody_from_ending(handled, caplog):
    told, _ = handled
    ending.close_at_end(lambda seconds: 1 / 0)
    send(signal.SIGINT)
    assert told == [signal.SIGINT] and "good order" in caplog.text


def test_the_desk_is_closed_and_reload_ui_closes_nothing(monkeypatch):
    made = []

    class Desk:
        def close(self, seconds):
            made.append(seconds)

    closings = []
    monkeypatch.setattr(start, "_desk", None)
    monkeypatch.setattr(start, "_make_desk", Desk)
    monkeypatch.setattr(start, "close_at_end", closings.append)
    assert start.desk() is start.desk()
    assert len(closings) == 1 and made == []
    closings[0](5.0)
    assert made == [5.0]
