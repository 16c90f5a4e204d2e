import json

import pytest

from lora_trainer.errors import BaseAway, ConfigError, LoraExists, UserError
from lora_trainer.jobs.states import NEXT, QUEUED
from lora_trainer.sentences import Sentence
from tests.runs import same_weights

from .conftest import wait_for, wait_until


@pytest.fixture
def paused(jobs, config):
    """A job that was paused after a few of its many steps."""
    job = jobs.submit(config(steps=500))
    wait_for(lambda: job.record.step >= 2)
    job.pause()
    return wait_until(job, "paused")


def test_a_finished_run_lies_in_the_lora_folder_with_its_card(jobs, host, config):
    job = wait_until(jobs.submit(config(data__trigger_word="zorb", save__every=2)), "finished", "failed")
    assert job.state == "finished", job.record.message
    assert (job.record.step, job.record.total_steps) == (4, 4)
    assert [save.file for save in job.saves()] == ["zorb-step000002.safetensors", "zorb.safetensors"]
    published = host.lora_folder() / "zorb.safetensors"
    assert job.record.published == {"name": "zorb", "file": str(published), "tag": "<lora:zorb:1>"}
    assert json.loads(published.with_suffix(".json").read_text())["activation text"] == "zorb"


def test_a_paused_run_gives_the_model_back_and_ends_as_if_nothing_had_been(jobs, config):
    plain = wait_until(jobs.submit(config(save__name="plain", steps=6)), "finished", "failed")
    job = jobs.submit(config(save__name="paused", steps=6))
    wait_for(lambda: job.record.step >= 2)
    job.pause()
    wait_until(job, "paused")
    wait_for(lambda: jobs.turn.holder is None)
    assert 2 <= job.record.step < 6
    job.resume()
    wait_until(job, "finished", "failed")
    assert same_weights(plain.folder.lora, job.folder.lora)
    kinds = [event.kind for _, event in job.feed.after(0, 1000)]
    assert kinds.count("started") == 2 and kinds.count("step") == 6


def test_stop_and_save_from_a_pause_writes_what_is_learned_so_far(paused, host):
    paused.stop_and_save()
    paused.stop_and_save()
    wait_until(paused, "stopped", "failed")
    assert paused.saves()[-1].final and paused.saves()[-1].step == paused.record.step
    assert (host.lora_folder() / "zorb.safetensors").is_file()


def test_stop_from_a_pause_leaves_the_lora_folder_alone_and_can_still_go_on(paused, host):
    paused.stop()
    assert paused.state == "stopped" and not host.lora_folder().exists()
    paused.resume()
    wait_until(paused, "running")
    paused.stop()
    wait_until(paused, "stopped")


def test_a_pause_leaves_a_save_to_try_out(paused):
    assert [save.step for save in paused.saves()] == [paused.record.step]


def test_one_runs_at_a_time_and_who_waits_may_leave_the_line(jobs, config):
    first = jobs.submit(config(save__name="first", steps=500))
    second, third = (jobs.submit(config(save__name=name)) for name in ("second", "third"))
    wait_until(first, "running")
    second.pause()
    third.stop()
    assert (second.state, third.state, jobs.current()) == ("paused", "stopped", first)
    second.resume()
    assert second.state == "queued"
    first.stop()
    wait_until(second, "finished", "failed")
    assert (first.state, third.state, second.state) == ("stopped", "stopped", "finished")


def test_a_finished_run_goes_on_under_the_same_name_and_keeps_its_earlier_end_as_a_save(jobs, host, config):
    job = wait_until(jobs.submit(config()), "finished", "failed")
    first = (host.lora_folder() / "zorb.safetensors").read_bytes()
    job.more(2)
    with pytest.raises(UserError, match="has ended"):
        job.more(2)
    wait_until(job, "finished", "failed")
    assert [(save.file, save.step) for save in job.saves()] == [
        ("zorb-step000004.safetensors", 4),
        ("zorb.safetensors", 6),
    ]
    assert (host.lora_folder() / "zorb.safetensors").read_bytes() != first


def test_a_file_that_appeared_meanwhile_is_not_overwritten(jobs, host, config):
    job = jobs.submit(config())
    host.lora_folder().mkdir()
    other = host.lora_folder() / "zorb.safetensors"
    other.write_bytes(b"another's")
    wait_until(job, "finished", "failed")
    assert (job.state, job.record.message.code, other.read_bytes()) == ("finished", "lora_exists", b"another's")
    with pytest.raises(LoraExists):
        jobs.submit(config())


def test_wrong_options_are_refused_before_a_job_is_made(jobs, config):
    with pytest.raises(ConfigError) as caught:
        jobs.submit(config(data__folders=["nowhere"]))
    assert caught.value.problems[0].values["path"] == "data.folders[0]" and jobs.list() == []


def test_what_goes_wrong_is_a_sentence_and_the_next_job_runs(jobs, config, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    failed = wait_until(jobs.submit(config(data__folders=[str(empty)])), "failed")
    assert "There are no pictures" in failed.record.message
    assert wait_until(jobs.submit(config(save__name="next")), "finished", "failed").state == "finished"


def test_a_mistake_in_the_program_fails_its_job_alone(jobs, host, config, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(host, "configured", lambda config: 1 / 0)
        failed = wait_until(jobs.submit(config()), "failed")
    assert failed.record.message.code == "broke_off"
    assert wait_until(jobs.submit(config()), "finished", "failed").state == "finished"


def test_a_base_that_is_away_pauses_the_job_with_the_reason(jobs, host, config, monkeypatch):
    def away(config):
        raise BaseAway(Sentence("base_away", "Select {name} to go on.", name="pocket"))

    with monkeypatch.context() as patch:
        patch.setattr(host, "configured", away)
        job = wait_until(jobs.submit(config()), "paused", "failed")
    assert (job.state, job.record.message.code) == ("paused", "base_away")
    job.resume()
    assert wait_until(job, "finished", "failed").state == "finished"


def test_the_host_s_interrupt_stops_with_a_save_and_its_progress_display_is_told(jobs, host, config):
    host.on_interrupt, seen = None, []
    host.watch = seen.append
    job = jobs.submit(config(steps=500))
    wait_for(lambda: job.record.step >= 1)
    host.on_interrupt()
    wait_until(job, "stopped", "failed")
    assert job.record.published and host.on_interrupt is None
    assert {"started", "step", "finished"} <= {event.kind for event in seen}


def test_every_state_can_be_reached_and_left():
    assert set(NEXT) == {QUEUED}.union(*NEXT.values())
    assert all(NEXT.values())
