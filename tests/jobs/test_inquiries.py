"""Questions that take their time."""

import pytest

from lora_trainer.errors import NotFound
from lora_trainer.jobs.desk import Desk

from .conftest import wait_for


@pytest.fixture
def desk(host):
    desk = Desk(host)
    yield desk
    desk.inquiries.close()


def test_a_step_is_tried_when_it_is_its_turn_on_the_model(desk, config, tmp_path):
    with desk.jobs.turn.taken("other"):
        inquiry = desk.inquiries.probe(config(steps=30))
        assert desk.busy and inquiry.state == "waiting"
        assert desk.inquiries.waits_for(inquiry).code == "probe_waits"
    inquiry.wait(300)
    assert (inquiry.state, inquiry.phase, inquiry.done) == ("done", "step", 3)
    assert inquiry.answer.fits and inquiry.answer.sentence().code == "probe_found"
    assert inquiry.answer.to_json()["seconds"]["total"] > inquiry.answer.to_json()["seconds"]["steps"]
    assert desk.jobs.turn.holder is None and not (tmp_path / "data" / "runs").exists()


def test_one_that_waits_can_be_stopped_and_a_new_one_takes_its_place(desk, config):
    with desk.jobs.turn.taken("other"):
        first = desk.inquiries.probe(config())
        second = desk.inquiries.probe(config())
        wait_for(lambda: first.state == "stopped")
        second.stop()
        wait_for(lambda: second.state == "stopped")
    assert first.answer is None


def test_what_goes_wrong_is_said(desk, config):
    inquiry = desk.inquiries.probe(config(data__folders=["/nowhere"]))
    inquiry.wait(60)
    assert inquiry.state == "failed" and "nowhere" in inquiry.message
    with pytest.raises(NotFound):
        desk.inquiries.get("0")
