import threading

import pytest

from lora_trainer.captioning import Settings
from lora_trainer.captioning.folder import Task
from lora_trainer.datasets import DataSets
from lora_trainer.errors import NotFound, UserError
from lora_trainer.jobs.captioning import DONE, FAILED, STOPPED, Captionings
from lora_trainer.jobs.turn import Turn
from tests.captioning.colours import ColourNamer
from tests.captioning.conftest import folder as folder  # a fixture

from .conftest import wait_for


class Host:
    """A host that has one captioner of its own."""

    def __init__(self, folder, captioner):
        self.folder, self.captioner = folder, captioner

    def data_folder(self):
        return self.folder

    def captioners(self):
        return {"colours": lambda settings: self.captioner}


@pytest.fixture
def dataset(folder, tmp_path):
    return DataSets(tmp_path / "datasets").open_folder(folder)


def captionings(tmp_path, captioner, turn=None):
    return Captionings(Host(tmp_path, captioner), turn or Turn())


def start(made, dataset, **task):
    return made.start(dataset, "colours", made.settings(), Task(dataset.path, **task))


def wait_for_end(one):
    wait_for(lambda: one.state in (DONE, STOPPED, FAILED))
    return one.state


def test_a_data_set_is_captioned_beside_whoever_asked(dataset, tmp_path):
    one = start(captionings(tmp_path, ColourNamer()), dataset)
    assert wait_for_end(one) == DONE
    assert (one.done, one.total, one.result.written) == (3, 3, 3)
    assert {item.caption for item in dataset.items(512)} == {"red", "green", "blue"}
    assert [event.kind for _, event in one.feed.after(0)][-1] == "described"


def test_stopped_it_goes_on_where_it_was_when_it_is_begun_again(dataset, tmp_path):
    reached, go_on = threading.Event(), threading.Event()

    class Slow(ColourNamer):
        def caption(self, pictures):
            reached.set()
            assert go_on.wait(60)
            return super().caption(pictures)

    made = captionings(tmp_path, Slow())
    one = start(made, dataset, batch=1)
    reached.wait(60)
    with pytest.raises(UserError, match="already"):
        start(made, dataset)
    one.stop()
    go_on.set()
    assert wait_for_end(one) == STOPPED
    assert one.result.written == 1
    again = start(made, dataset, batch=1)
    assert wait_for_end(again) == DONE
    assert again.result.written == 2 and made.get(again.id) is again
    assert [*made] == [again, one]


def test_it_waits_for_its_turn_on_the_model_and_can_be_stopped_while_it_waits(dataset, tmp_path):
    turn, captioner = Turn(), ColourNamer()
    with turn.taken("zorb"):
        one = start(captionings(tmp_path, captioner, turn), dataset)
        assert "zorb" in one.message
        one.stop()
        assert wait_for_end(one) == STOPPED
    assert not captioner.batches


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UserError("The model is broken."), "The model is broken."),
        (ValueError("shapes differ"), "shapes differ"),
        (RuntimeError("CUDA out of memory"), "Memory ran out"),
    ],
)
def test_whatever_goes_wrong_is_said(dataset, tmp_path, error, said):
    one = start(captionings(tmp_path, ColourNamer(fail_at=0, error=error)), dataset)
    assert wait_for_end(one) == FAILED
    assert said in one.message


def test_every_captioner_is_offered_with_what_it_lacks(tmp_path):
    choices = {choice.name: choice for choice in captionings(tmp_path, ColourNamer()).choices()}
    assert [*choices] == ["clip", "transformers", "wd14", "colours"]
    assert str(tmp_path / "captioners" / "clip") in choices["clip"].missing
    assert choices["colours"].missing is None


def test_what_is_not_there_is_a_sentence(dataset, tmp_path):
    made = captionings(tmp_path, ColourNamer())
    with pytest.raises(UserError, match="no captioner 'colors'"):
        made.start(dataset, "colors", made.settings(), Task(dataset.path))
    with pytest.raises(UserError, match="open_clip model"):
        made.start(dataset, "clip", Settings(tmp_path), Task(dataset.path))
    with pytest.raises(NotFound):
        made.get("gone")
