"""Training in place in a running WebUI: it is as it was afterwards, and usable meanwhile.

Needs WEBUI_URL: a host with --no-half on this machine's CPU, started with --api, that holds the bases pocket,
pocket-sd2v and pocket-sdxl, and whose extensions/ has a link to tests/acceptance/webui_probe. The full-size test wants
a base called random-sd15 as well (about 4 GB; see its docstring).
"""

import time
import urllib.error

import pytest

from tests.acceptance.webui import URL, HostRun, Meanwhile, ask, picture, probe, select
from tests.runs import draw_pictures

pytestmark = [pytest.mark.acceptance, pytest.mark.skipif(not URL, reason="WEBUI_URL names no running WebUI")]

BASES = ["pocket", "pocket-sd2v", "pocket-sdxl"]
OTHER = "a small green square, red background"
MiB = 1 << 20


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return draw_pictures(tmp_path_factory.mktemp("pictures") / "zorb")


@pytest.fixture(autouse=True)
def pocket():
    select("pocket")
    yield
    select("pocket")


class Before:
    """The host at the beginning of a test; `again` asserts that it is the same, to the byte of a picture."""

    def __init__(self):
        picture()  # the first picture after a change of the checkpoint leaves marks of its own
        self.picture, self.state = picture(), probe("snapshot")

    def again(self):
        state = probe("snapshot")
        assert {key: value for key, value in state.items() if value != self.state[key]} == {}
        assert picture() == self.picture


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("text_encoder", [False, True])
def test_a_finished_run_leaves_the_host_as_it_was(pictures, tmp_path, base, text_encoder):
    select(base)
    before = Before()
    run = HostRun(pictures, tmp_path, steps=2, network__train_text_encoder=text_encoder, samples__every=2)
    assert run.finish()["kind"] == "finished", (run.seen[-1], run.raised)
    before.again()


def test_a_stop_leaves_the_host_as_it_was(pictures, tmp_path):
    before, run = Before(), HostRun(pictures, tmp_path, steps=200)
    run.until("step", 2)
    run.steer(wish="stop")
    assert run.finish()["stopped"]
    before.again()


@pytest.mark.parametrize("error", ["RuntimeError", "MemoryError", "KeyError"])
def test_an_exception_in_the_middle_of_a_step_leaves_the_host_as_it_was(pictures, tmp_path, error):
    before, run = Before(), HostRun(pictures, tmp_path, {"break_at": 2, "error": error}, steps=4)
    run.finish()
    assert run.raised or run.seen[-1]["kind"] == "failed"
    before.again()


def test_interrupt_ends_the_run_with_a_save_and_leaves_the_host_as_it_was(pictures, tmp_path):
    before, run = Before(), HostRun(pictures, tmp_path, steps=200)
    run.until("step", 2)
    ask("/sdapi/v1/interrupt", {})
    assert run.finish()["stopped"] and (tmp_path / "zorb.safetensors").exists()
    before.again()


def test_interrupt_during_a_picture_in_between_ends_only_the_picture(pictures, tmp_path):
    run = HostRun(pictures, tmp_path, steps=8)
    run.until("step", 1)
    slow = Meanwhile(lambda: picture(OTHER, steps=150))
    while ask("/sdapi/v1/progress?skip_current_image=true")["state"]["job"] != "scripts_txt2img":
        time.sleep(0.05)
    ask("/sdapi/v1/interrupt", {})
    assert slow.result
    end = run.finish()
    assert end["kind"] == "finished" and not end["stopped"]


def test_reload_ui_ends_no_run_and_the_host_is_as_it_was(pictures, tmp_path):
    before, run = Before(), HostRun(pictures, tmp_path, steps=12)
    run.until("step", 2)
    probe("disturb", what="reload ui")
    _wait_for_the_page()
    end = run.finish()
    assert end["kind"] == "finished" and not end["stopped"]
    before.again()


def _wait_for_the_page():
    """Until the page, which goes away for a moment, is there again. Asked in the wrong moment, the host breaks off."""
    for _ in range(10):
        time.sleep(20)
        try:
            probe("events", run=0)
            return
        except (AssertionError, urllib.error.URLError, OSError):
            continue
    raise AssertionError("The page did not come back.")


@pytest.mark.parametrize("base", BASES)
def test_a_picture_in_between_is_itself_and_changes_no_loss(pictures, tmp_path, base):
    select(base)
    alone, before = picture(OTHER), Before()
    undisturbed = HostRun(pictures, tmp_path / "a", steps=6)
    undisturbed.finish()
    run = HostRun(pictures, tmp_path / "b", steps=6)
    began = run.until("step", 2)["step"]
    drawn = Meanwhile(lambda: picture(OTHER))
    assert drawn.result == alone
    assert began < 6 and run.finish()["kind"] == "finished"
    assert run.losses == undisturbed.losses and len(run.losses) == 6
    before.again()


def test_a_lora_of_a_picture_in_between_is_taken_out_of_the_weights_again(pictures, tmp_path):
    lora = _lora_in_the_list(pictures)
    tagged = f"{OTHER} <lora:{lora}:1>"
    try:
        with_lora = picture(tagged)
        assert with_lora != picture(OTHER)
        undisturbed = HostRun(pictures, tmp_path / "a", steps=6)
        undisturbed.finish()
        run = HostRun(pictures, tmp_path / "b", steps=6)
        run.until("step", 2)
        assert Meanwhile(lambda: picture(tagged)).result == with_lora
        run.finish()
        assert run.losses == undisturbed.losses
        assert picture(tagged) == with_lora
    finally:
        _remove_lora(lora)


def _lora_in_the_list(pictures):
    """Train a LoRA of an effect into the host's own folder."""
    folder, name = ask("/sdapi/v1/cmd-flags")["lora_dir"], "acceptance-zorb"
    run = HostRun(pictures, folder, steps=3, save__name=name, optimizer__learning_rate=0.1)
    assert run.finish()["kind"] == "finished"
    ask("/sdapi/v1/refresh-loras", {})
    return name


def _remove_lora(name):
    import shutil
    from pathlib import Path

    folder = Path(ask("/sdapi/v1/cmd-flags")["lora_dir"])
    (folder / f"{name}.safetensors").unlink()
    shutil.rmtree(folder / f"{name}.run", ignore_errors=True)
    ask("/sdapi/v1/refresh-loras", {})


def test_pictures_have_to_wait_where_the_switch_is_off_but_short_users_have_their_turn(pictures, tmp_path):
    run = HostRun(pictures, tmp_path, {"give_way": False}, steps=200)
    run.until("step", 1)
    waiting = Meanwhile(lambda: picture(OTHER))
    assert probe("disturb", what="short user") == {"answer": "served"}
    step = run.look() and run.seen[-1]["step"]
    run.until("step", step + 2)
    assert waiting.is_alive() and run.look()["pictures_waiting"] == 1
    run.steer(give_way=True)
    assert waiting.result
    assert run.look()["alive"]
    run.steer(wish="stop")
    run.finish()


@pytest.mark.parametrize("what", ["throw away", "unload"])
def test_a_model_that_others_throw_away_or_move_is_brought_back(pictures, tmp_path, what):
    undisturbed = HostRun(pictures, tmp_path / "a", steps=8)
    undisturbed.finish()
    expected = picture()
    run = HostRun(pictures, tmp_path / "b", steps=8)
    run.until("step", 2)
    probe("disturb", what=what)
    assert run.finish()["kind"] == "finished", (run.seen[-1], run.raised)
    assert run.losses == undisturbed.losses
    assert picture() == expected


@pytest.mark.parametrize("text_encoder", [False, True])
def test_a_picture_with_another_checkpoint_changes_no_loss(pictures, tmp_path, text_encoder):
    other = {"override_settings": {"sd_model_checkpoint": "pocket-sd2v.safetensors"}}
    options = {"steps": 6, "network__train_text_encoder": text_encoder}
    undisturbed = HostRun(pictures, tmp_path / "a", **options)
    undisturbed.finish()
    alone, plain = picture(OTHER, **other), picture()
    run = HostRun(pictures, tmp_path / "b", **options)
    run.until("step", 2)
    assert Meanwhile(lambda: picture(OTHER, **other)).result == alone
    assert run.finish()["kind"] == "finished", (run.seen[-1], run.raised)
    assert run.losses == undisturbed.losses
    assert picture() == plain


def test_when_another_checkpoint_is_selected_the_run_waits_for_its_own(pictures, tmp_path):
    undisturbed = HostRun(pictures, tmp_path / "a", steps=6)
    undisturbed.finish()
    first = HostRun(pictures, tmp_path / "b", steps=6)
    first.until("step", 2)
    select("pocket-sd2v")
    end = first.finish()
    assert end["kind"] == "paused" and "'pocket'" in end["message"]
    select("pocket")
    second = HostRun(pictures, tmp_path / "b", {"resume": True}, steps=6)
    assert second.finish()["kind"] == "finished"
    assert first.losses + second.losses == undisturbed.losses


def test_the_host_s_progress_shows_the_run(pictures, tmp_path):
    run = HostRun(pictures, tmp_path, steps=200)
    run.until("step", 2)
    assert ask("/sdapi/v1/progress?skip_current_image=true")["state"]["job"] == "Train LoRA"
    run.steer(wish="stop")
    run.finish()
    assert ask("/sdapi/v1/progress?skip_current_image=true")["state"]["job"] == ""


def test_a_full_size_sd15_is_trained_without_a_second_copy(pictures, tmp_path):
    """The base: `random_checkpoint("sd1", path, channels=320, text="real")`, named random-sd15.safetensors."""
    if "random-sd15" not in {model["model_name"] for model in ask("/sdapi/v1/sd-models")}:
        pytest.skip("the host has no base called random-sd15")
    select("random-sd15")
    picture(steps=1)
    run = HostRun(pictures, tmp_path, steps=1, network__rank=8)
    assert run.finish()["kind"] == "finished", (run.seen[-1], run.raised)
    model = 4 * 1066 * MiB  # bytes of SD1.5 in fp32
    step = next(event for event in run.seen if event["kind"] == "step")
    started = next(event for event in run.seen if event["kind"] == "started")
    assert started["base_name"] == "random-sd15" and started["trainable_parameters"] > 2e6
    assert started["grown"] < 0.05 * model + 4 * 4 * started["trainable_parameters"]
    caching = sum(b["cpu"] - a["cpu"] for a, b in zip(run.seen, run.seen[1:]) if b.get("phase") == "encoding pictures")
    assert started["cpu"] - caching < 2.0, (started["cpu"], caching, step["cpu"])
