"""A folder's pictures are counted by a walk only when something may have changed in it."""

import os
import time

import pytest

from lora_trainer.datasets import counting
from lora_trainer.datasets.counting import Counting


@pytest.fixture
def folder(tmp_path):
    """A folder that nobody has touched for a minute."""
    (tmp_path / "sub").mkdir()
    for place in (tmp_path / "sub", tmp_path):
        grown_old(place)
    return tmp_path


@pytest.fixture
def counted(folder, monkeypatch):
    """The counting of it, and how often it was walked through; each question seems to come seconds after the last."""
    walks, clock = [], [0.0]

    def walk():
        walks.append(1)
        return len([*folder.rglob("*.png")]), {str(folder), str(folder / "sub")}

    monkeypatch.setattr(counting.time, "monotonic", lambda: clock.__setitem__(0, clock[0] + 5.0) or clock[0])
    return Counting(walk), walks


def grown_old(folder, seconds=60):
    os.utime(folder, (time.time() - seconds, time.time() - seconds))


def test_a_folder_that_rests_is_walked_through_once(counted):
    counting, walks = counted
    assert [counting.count() for _ in range(5)] == [0] * 5 and len(walks) == 1


@pytest.mark.parametrize("place", [".", "sub"])
def test_a_picture_that_somebody_puts_there_is_counted(counted, folder, place):
    counting, walks = counted
    assert counting.count() == 0
    (folder / place / "a.png").touch()
    assert counting.count() == 1
    (folder / place / "b.png").touch()  # in the same moment, by the folder's clock
    assert counting.count() == 2
    grown_old(folder / place)
    assert [counting.count() for _ in range(3)] == [2, 2, 2] and len(walks) == 4


def test_now_and_then_it_is_walked_through_all_the_same(counted):
    counting, walks = counted
    for _ in range(30):
        counting.count()
    assert 2 <= len(walks) <= 4


def test_what_we_changed_ourselves_is_counted_at_once(counted, folder, monkeypatch):
    counting, _ = counted
    monkeypatch.setattr("lora_trainer.datasets.counting.time.monotonic", lambda: 1000.0)
    assert counting.count() == 0
    (folder / "a.png").touch()
    assert counting.count() == 0
    counting.forget()
    assert counting.count() == 1
