import threading

import pytest

from lora_trainer import options
from lora_trainer.datasets import DataSets
from lora_trainer.errors import ConfigError, DataError, NotFound, UserError
from lora_trainer.jobs.forecast import Forecaster
from lora_trainer.jobs.regularization import DONE, FAILED, STOPPED, Regularizations
from lora_trainer.jobs.turn import Turn
from lora_trainer.sentences import Sentence
from tests.painting import Painter

from .conftest import wait_for


@pytest.fixture
def config(pictures):
    return options.build({"data": {"folders": [str(pictures)], "resolution": 64}, "save": {"name": "zorb"}})


def regularizations(tmp_path, painter=None, turn=None):
    painter = painter or Painter()
    return Regularizations(painter, turn or Turn(), DataSets(tmp_path / "datasets"), Forecaster(painter))


def wait_for_end(one):
    wait_for(lambda: one.state in (DONE, STOPPED, FAILED))
    return one.state


def test_as_many_as_suit_the_run_are_drawn_into_a_data_set_of_their_own(config, tmp_path):
    made = regularizations(tmp_path)
    one = made.start(config, ["photo of a dog"])
    assert wait_for_end(one) == DONE
    assert (one.done, one.total, one.dataset.name, one.dataset.count) == (4, 4, "class photo of a dog", 4)
    assert {item.caption for item in one.dataset.items(64)} == {"photo of a dog"}
    assert made.get(one.id) is one and [*made] == [one]


def test_stopped_it_goes_on_in_the_same_data_set_when_it_is_begun_again(config, tmp_path):
    reached, go_on = threading.Event(), threading.Event()

    def slowly(number):
        reached.set()
        assert go_on.wait(60)

    made = regularizations(tmp_path, Painter(before=slowly))
    one = made.start(config, ["photo of a dog"])
    reached.wait(60)
    with pytest.raises(UserError, match="already"):
        made.start(config, ["photo of a dog"])
    one.stop()
    go_on.set()
    assert wait_for_end(one) == STOPPED and one.dataset.count == 1
    again = made.start(config, ["photo of a dog"])
    assert wait_for_end(again) == DONE
    assert again.dataset.id == one.dataset.id and (again.result.drawn, again.result.kept) == (3, 1)


def test_it_waits_for_its_turn_on_the_model_and_can_be_stopped_while_it_waits(config, tmp_path):
    turn, painter = Turn(), Painter()
    with turn.taken("zorb"):
        one = regularizations(tmp_path, painter, turn).start(config, ["a dog"])
        assert "zorb" in one.message
        one.stop()
        assert wait_for_end(one) == STOPPED
    assert not painter.asked


@pytest.mark.parametrize(
    ("error", "state", "said"),
    [
        (UserError(Sentence("interrupted", "Interrupted in the WebUI.")), STOPPED, "Interrupted"),
        (UserError("There is no checkpoint."), FAILED, "no checkpoint"),
        (RuntimeError("CUDA out of memory"), FAILED, "Memory ran out"),
        (ValueError("shapes differ"), FAILED, "shapes differ"),
    ],
)
def test_whatever_goes_wrong_is_said(config, tmp_path, error, state, said):
    def fail(number):
        raise error

    one = regularizations(tmp_path, Painter(before=fail)).start(config, ["a dog"])
    assert wait_for_end(one) == state
    assert said in one.message


def test_what_cannot_be_drawn_is_said_before_anything_is_begun(config, tmp_path):
    made = regularizations(tmp_path)
    with pytest.raises(ConfigError, match="class prompts"):
        made.start(config, ["  "])
    with pytest.raises(DataError):
        made.start(options.build({"data": {"resolution": 64}}), ["a dog"])
    with pytest.raises(NotFound):
        made.get("gone")
    assert not (tmp_path / "datasets").exists()
