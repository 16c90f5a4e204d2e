import pytest
import torch

from lora_trainer.errors import UserError
from lora_trainer.state import KEPT, State, load_newest_state, save_state


def state(step):
    return State(
        step,
        network={"unet.a.down": torch.randn(2, 3)},
        optimizer={"state.0.exp_avg": torch.randn(2, 3), "state.0.step": torch.tensor(float(step))},
        values={"meter": {"mean": 0.1}, "numbers": [1, 2]},
    )


def test_a_state_comes_back_exactly(tmp_path):
    before = state(7)
    save_state(tmp_path, before)
    after = load_newest_state(tmp_path)
    assert (after.step, after.values) == (7, before.values)
    for part in ("network", "optimizer"):
        given, back = getattr(before, part), getattr(after, part)
        assert given.keys() == back.keys()
        assert all(torch.equal(given[key], back[key]) and given[key].dtype == back[key].dtype for key in given)


def test_only_the_newest_states_stay(tmp_path):
    for step in range(5):
        save_state(tmp_path, state(step))
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        "step00000003.safetensors",
        "step00000004.safetensors",
    ]
    assert KEPT == 2


def test_a_damaged_newest_state_gives_way_to_the_one_before(tmp_path):
    save_state(tmp_path, state(1))
    newest = save_state(tmp_path, state(2))
    newest.write_bytes(newest.read_bytes()[:100])
    assert load_newest_state(tmp_path).step == 1


def test_when_all_states_are_damaged_that_is_said(tmp_path):
    save_state(tmp_path, state(1)).write_bytes(b"nonsense")
    with pytest.raises(UserError, match="No state in"):
        load_newest_state(tmp_path)


def test_without_a_state_there_is_none(tmp_path):
    assert load_newest_state(tmp_path) is None
