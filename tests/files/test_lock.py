import multiprocessing

import pytest

from lora_trainer.files.lock import Held, is_held, locked


def test_a_lock_is_held_by_one_at_a_time_and_let_go_at_the_end(tmp_path):
    path = tmp_path / "lock"
    assert not is_held(path)
    with locked(path):
        assert is_held(path)
        with pytest.raises(Held), locked(path):
            pass
    assert not is_held(path)


def test_a_lock_goes_with_the_process_that_held_it(tmp_path):
    path, spawn = tmp_path / "lock", multiprocessing.get_context("spawn")
    ready = spawn.Event()
    holder = spawn.Process(target=hold, args=(path, ready))
    holder.start()
    assert ready.wait(60) and is_held(path)
    holder.kill()
    holder.join()
    assert not is_held(path)


def hold(path, ready):
    import time

    with locked(path):
        ready.set()
        time.sleep(60)
