"""The WebUI stays usable while it trains: pictures have their turn, buttons work, and the run's losses are the same.

Needs WEBUI_URL, as test_webui_custody.py says.
"""

import shutil
import time
from pathlib import Path

import pytest

from tests.acceptance.webui import (
    MARKS,
    OTHER,
    OURS,
    Before,
    HostRun,
    Job,
    Meanwhile,
    ask,
    lora_folder,
    picture,
    probe,
    progress,
    remove_lora,
    select,
    wait_for,
)

pytestmark = [*MARKS, pytest.mark.usefixtures("pocket")]

TRAINED = [("pocket", False), ("pocket", True), ("pocket-sd2v", False), ("pocket-sdxl", True)]
"""Bases, and whether their text encoders are trained."""
CROWD = 100
AT_ONCE = 2.0
"""Seconds within which an answer came at once, on a machine that is busy."""


def assert_nobody_waited_for_two_micro_batches(run):
    """Somebody waited during a micro-batch, and had the model before the next one."""
    assert any(run.waiting)
    for one, following in zip(run.waiting, run.waiting[1:]):
        assert not {*one} & {*following[:1]}


@pytest.mark.parametrize(("base", "text_encoder"), TRAINED)
def test_a_picture_in_between_is_itself_and_changes_no_loss(pictures, tmp_path, undisturbed, base, text_encoder):
    select(base)
    options = {"steps": 4, "optimizer__accumulation": 2, "network__train_text_encoder": text_encoder}
    losses = undisturbed(base, **options)
    alone, before = picture(OTHER), Before()
    run = HostRun(pictures, tmp_path, **options)
    began = run.until("step", 1)["step"]
    assert Meanwhile(lambda: picture(OTHER)).result == alone
    assert began < 4
    run.assert_finished_as(losses)
    assert_nobody_waited_for_two_micro_batches(run)
    before.again(host_drew=True)


@pytest.fixture
def lora(pictures):
    """A LoRA of a plain effect in the host's list."""
    folder, name = lora_folder(), "acceptance-zorb"
    run = HostRun(pictures, folder, steps=3, save__name=name, optimizer__learning_rate=0.1)
    assert run.finish()["kind"] == "finished"
    ask("/sdapi/v1/refresh-loras", {})
    yield name
    shutil.rmtree(Path(folder) / f"{name}.run", ignore_errors=True)
    remove_lora(name)


def test_a_lora_of_a_picture_in_between_is_taken_out_of_the_weights_again(pictures, tmp_path, undisturbed, lora):
    losses, plain = undisturbed(steps=60), picture(OTHER)
    tagged = f"{OTHER} <lora:{lora}:1>"
    with_lora = picture(tagged)
    assert with_lora != plain
    picture(OTHER)
    before, run = Before(), HostRun(pictures, tmp_path, steps=60)
    run.until("step", 2)
    assert Meanwhile(lambda: picture(tagged)).result == with_lora
    run.assert_finished_as(losses)
    assert_nobody_waited_for_two_micro_batches(run)
    before.again(host_drew=True)
    assert picture(tagged) == with_lora


def test_pictures_in_between_of_everything_that_a_run_does_change_nothing(pictures, tmp_path, undisturbed):
    """While pictures, captions, samples and validations are computed, too."""
    options = {"steps": 4, "samples__every": 2, "samples__steps": 4, "validation_every": 2}
    losses = undisturbed(**options)
    run, drawn = HostRun(pictures, tmp_path, **options), 0
    while run.look()["alive"]:
        picture(OTHER, steps=1)
        drawn += 1
    run.assert_finished_as(losses)
    assert drawn > 8


def test_where_the_switch_is_off_pictures_wait_but_short_users_have_their_turn(pictures, tmp_path):
    run = HostRun(pictures, tmp_path, {"give_way": False}, steps=200)
    run.until("step", 1)
    waiting = Meanwhile(lambda: picture(OTHER))
    wait_for(lambda: run.look()["pictures_waiting"] == 1)
    assert probe("disturb", what="short user") == {"answer": "served"}
    run.until("step", run.seen[-1]["step"] + 3)
    assert waiting.is_alive()
    run.steer(give_way=True)
    assert waiting.result and run.look()["alive"]
    run.steer(wish="stop")
    run.finish()


@pytest.fixture
def job(pictures):
    """A long run, begun through the page's route."""
    job = Job(pictures, steps=3000)
    job.until("running", step=2)
    yield job
    job.control("stop")
    job.until("stopped")
    ask(f"{OURS}/host", {"give_way": True}, "PUT")


def at_once(question):
    """The answer, which must come soon."""
    began = time.monotonic()
    answer = question()
    assert time.monotonic() - began < AT_ONCE
    return answer


def test_with_a_hundred_requests_waiting_our_controls_answer_at_once(job):
    ask(f"{OURS}/host", {"give_way": False}, "PUT")
    crowd = [Meanwhile(lambda: picture(OTHER, steps=1)) for _ in range(CROWD)]
    time.sleep(3)
    step = at_once(job.look)["step"]
    for question in (lambda: ask(f"{OURS}/state"), job.events, lambda: ask(f"{OURS}/options")):
        at_once(question)
    assert job.until("running", step=step + 2) and all(one.is_alive() for one in crowd)
    at_once(lambda: ask(f"{OURS}/host", {"give_way": True}, "PUT"))
    wait_for(lambda: sum(one.is_alive() for one in crowd) < CROWD - 5)
    step = at_once(lambda: job.control("pause"))["step"]
    assert job.until("paused")["step"] <= step + 2
    assert any(one.is_alive() for one in crowd), "it did not wait for all of them"
    at_once(lambda: job.control("resume"))
    at_once(lambda: job.control("stop"))
    assert all(one.result for one in crowd)


@pytest.mark.parametrize("control", ["stop", "stop-and-save"])
def test_a_job_that_is_told_to_end_does_not_wait_for_all_who_wait(pictures, control):
    job = Job(pictures, steps=3000)
    job.until("running", step=2)
    crowd = [Meanwhile(lambda: picture(OTHER, steps=1)) for _ in range(20)]
    wait_for(lambda: sum(one.is_alive() for one in crowd) < 18)
    step = job.control(control)["step"]
    ended = job.until("stopped")
    assert ended["step"] <= step + 2 and (ended["published"] is None) == (control == "stop")
    assert any(one.is_alive() for one in crowd) or control == "stop-and-save"  # publishing waits for its turn
    assert all(one.result for one in crowd)
    remove_lora(Job.NAME)


def test_the_host_s_progress_shows_the_run(job):
    shown = wait_for(lambda: (now := progress())["progress"] > 0 and now)
    assert shown["state"]["job"] == "Train LoRA" and shown["state"]["sampling_steps"] == 3000
    assert shown["state"]["sampling_step"] <= job.look()["step"] and shown["eta_relative"] > 0
    picture(OTHER)
    assert progress()["state"]["job"] == "Train LoRA"
    job.control("stop")
    job.until("stopped")
    assert progress()["state"]["job"] == "" and progress()["progress"] == 0


def test_interrupt_ends_a_job_with_a_save(pictures):
    job = Job(pictures, steps=3000)
    job.until("running", step=2)
    ask("/sdapi/v1/interrupt", {})
    ended = job.until("stopped", "failed")
    assert ended["state"] == "stopped" and ended["saves"][-1]["final"] and ended["published"]
    remove_lora(Job.NAME)


def test_interrupt_during_a_picture_in_between_ends_only_the_picture(pictures, tmp_path, undisturbed):
    losses = undisturbed(steps=6)
    run = HostRun(pictures, tmp_path, steps=6)
    run.until("step", 1)
    slow = Meanwhile(lambda: picture(OTHER, steps=150))
    wait_for(lambda: progress()["state"]["job"] == "scripts_txt2img")
    ask("/sdapi/v1/interrupt", {})
    assert slow.result
    run.assert_finished_as(losses)
    assert not run.seen[-1]["stopped"]
