"""Whoever waits for the host's model has it between two micro-batches, and the run notices nothing of it."""

import threading
import time

import pytest

from lora_trainer.host.webui.host import WebUIHost
from lora_trainer.host.webui.turns import Turns
from tests.host.webui.states import draw, losses, run, snapshot, waiting


@pytest.fixture
def lock(webui):
    return webui.call_queue.queue_lock


def queue_up(lock, log, name):
    """A thread that waits for the lock and writes its name down when it has it."""

    def wait():
        with lock:
            log.append(name)
            time.sleep(0.01)

    before = len(lock._pending_threads)
    thread = threading.Thread(target=wait)
    thread.start()
    while len(lock._pending_threads) == before:
        time.sleep(0.001)
    return thread


def test_who_waits_longest_has_the_lock_before_it_comes_back(lock):
    turns, log = Turns(lock), []
    turns.take()
    assert not turns.wanted()
    threads = [queue_up(lock, log, number) for number in range(5)]
    for served in range(1, 6):
        assert turns.wanted()
        turns.hand_over()
        assert log == list(range(served)) and not lock.acquire(blocking=False)
    turns.leave()
    for thread in threads:
        thread.join()


def test_every_turn_is_served_in_a_hundred_rounds(lock):
    turns, log = Turns(lock), []
    turns.take()
    for number in range(100):
        thread = queue_up(lock, log, number)
        turns.hand_over()
        assert log[-1] == number
        thread.join()
    turns.leave()


def test_a_lock_of_another_kind_is_free_for_a_moment():
    lock, log = threading.Lock(), []
    turns = Turns(lock)
    turns.take()
    thread = threading.Thread(target=lambda: log.append(lock.acquire()) or lock.release())
    thread.start()
    while not log:
        assert turns.wanted()
        turns.hand_over()
    turns.leave()
    thread.join()


@pytest.mark.parametrize("accumulation", [1, 2])
def test_a_picture_in_between_changes_no_loss_and_is_itself(webui, pictures, tmp_path, accumulation):
    undisturbed = run(pictures, tmp_path / "a", steps=3, optimizer__accumulation=accumulation)
    alone, drawn = draw(webui, "a dog"), []
    before = snapshot(webui)  # after a picture: the host's own draw from its random states

    def wait_for_a_picture(event):
        if event.kind == "step" and event.step == 1:
            with_turn = waiting(webui, lambda: draw(webui, "a dog"))
            drawn.append((with_turn, with_turn.__enter__()))

    disturbed = run(pictures, tmp_path / "b", steps=3, optimizer__accumulation=accumulation, at=wait_for_a_picture)
    (turn, result), *_ = drawn
    turn.__exit__(None, None, None)
    assert result == [alone]
    assert losses(disturbed) == losses(undisturbed)
    assert snapshot(webui) == before


def test_a_lora_of_a_picture_in_between_is_taken_out_again(webui, pictures, tmp_path):
    run(pictures, webui.shared.cmd_opts.lora_dir, steps=2, optimizer__learning_rate=0.1)
    webui.networks.list_available_networks()
    undisturbed, drawn = run(pictures, tmp_path / "a", steps=3), []
    with_lora, plain = draw(webui, "a cat <lora:zorb:1>"), draw(webui)

    def wait_for_a_picture(event):
        if event.kind == "step" and event.step == 1:
            turn = waiting(webui, lambda: draw(webui, "a cat <lora:zorb:1>"))
            drawn.append((turn, turn.__enter__()))

    disturbed = run(pictures, tmp_path / "b", steps=3, at=wait_for_a_picture)
    drawn[0][0].__exit__(None, None, None)
    assert drawn[0][1] == [with_lora] != [plain]
    assert losses(disturbed) == losses(undisturbed)


def test_when_pictures_have_to_wait_short_users_are_served_all_the_same(webui):
    host = WebUIHost()
    host.gives_way = False
    with host.lend():
        with_picture = waiting(webui, lambda: "picture")
        picture = with_picture.__enter__()
        assert not host.give_way() and host.pictures_waiting == 1
        with_short = waiting(webui, lambda: "tokens", with_task=False)
        short = with_short.__enter__()
        assert host.give_way()
        with_short.__exit__(None, None, None)
        assert short == ["tokens"] and not picture
        host.gives_way = True
        assert host.give_way()
    with_picture.__exit__(None, None, None)
    assert picture == ["picture"]


def test_long_preparations_give_way_as_well(webui, pictures, tmp_path):
    turns = []

    def queue_up_early(event):
        if event.kind == "preparing" and not turns:
            turn = waiting(webui, lambda: draw(webui))
            turns.append((turn, turn.__enter__()))
        if event.kind == "started":
            assert turns[0][1], "the picture waited for all of the preparation"

    run(pictures, tmp_path, steps=1, at=queue_up_early)
    turns[0][0].__exit__(None, None, None)
