"""However a run ends, the WebUI is as it was before: weights, flags, hooks, switches, chance, and a picture's bytes.

Needs WEBUI_URL: a host with --no-half on this machine's CPU, started with --api, that holds the bases pocket,
pocket-sd2v and pocket-sdxl, and whose extensions/ has links to this project and to tests/acceptance/webui_probe.
"""

import os
import shutil
import signal
import socket
import subprocess

import pytest

from tests.acceptance.webui import MARKS, OURS, URL, Before, HostRun, Job, ask, reload_ui, remove_lora, select, wait_for

pytestmark = [*MARKS, pytest.mark.usefixtures("pocket")]

BASES = ["pocket", "pocket-sd2v", "pocket-sdxl"]
SHOWS_STEP = """least => {
    const root = document.querySelector("#lora_trainer_page").shadowRoot;
    return Number(/([0-9]+) of/.exec(root.querySelector(".lt-numbers")?.textContent)?.[1]) >= least;
}"""
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


@pytest.fixture
def job_name():
    yield Job.NAME
    remove_lora(Job.NAME)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("text_encoder", [False, True])
def test_after_a_finished_run(pictures, tmp_path, base, text_encoder):
    select(base)
    before = Before()
    run = HostRun(pictures, tmp_path, steps=2, network__train_text_encoder=text_encoder, samples__every=2)
    assert run.finish()["kind"] == "finished", (run.seen[-1], run.raised)
    before.again()


def test_after_a_finished_job_and_the_grid_that_is_drawn_at_its_end(pictures, job_name):
    before = Before()
    ask(f"{OURS}/habits", {"grid_at_end": True}, "PUT")
    job = Job(pictures, steps=4, samples__steps=2)
    assert job.until("finished", "failed")["state"] == "finished"
    grid = wait_for(lambda: job.look()["tryout"])
    assert wait_for(lambda: (now := ask(f"{OURS}/tryouts/{grid}"))["state"] in ("done", "stopped", "failed") and now)[
        "cells"
    ]
    ask(f"{OURS}/habits", {"grid_at_end": False}, "PUT")
    before.again()


@pytest.mark.parametrize("wish", ["stop", "stop_and_save", "pause"])
def test_after_a_run_that_was_told_to_end(pictures, tmp_path, wish):
    before, run = Before(), HostRun(pictures, tmp_path, steps=200)
    run.until("step", 2)
    run.steer(wish=wish)
    end = run.finish()
    assert end["kind"] == "paused" if wish == "pause" else end["stopped"]
    assert (tmp_path / "zorb.safetensors").exists() == (wish == "stop_and_save")
    before.again()


@pytest.mark.parametrize("error", ["RuntimeError", "KeyError"])
def test_after_an_exception_in_the_middle_of_a_step(pictures, tmp_path, error):
    before, run = Before(), HostRun(pictures, tmp_path, {"disturbed": ["step", 2, error]}, steps=4)
    end = run.finish()
    if error == "KeyError":  # a mistake in the program
        assert "broken on purpose" in run.raised
    else:
        assert end["kind"] == "failed"
    assert len(run.losses) == 1
    before.again()


@pytest.mark.parametrize("error", ["MemoryError", "OutOfMemoryError"])
def test_after_memory_ran_out_in_the_middle_of_a_step_which_ends_no_run(pictures, tmp_path, error):
    before, run = Before(), HostRun(pictures, tmp_path, {"disturbed": ["step", 2, error]}, steps=4)
    assert run.finish()["kind"] == "finished" and len(run.losses) == 4
    assert any("Memory ran out at step 2" in event.get("message", "") for event in run.seen)
    before.again()


def test_after_an_exception_in_the_middle_of_a_step_that_trains_text_encoders(pictures, tmp_path):
    select("pocket-sdxl")
    before = Before()
    options = {"steps": 2, "network__train_text_encoder": True}
    assert (
        HostRun(pictures, tmp_path, {"disturbed": ["step", 2, "RuntimeError"]}, **options).finish()["kind"] == "failed"
    )
    before.again()


def test_after_interrupt_which_ends_the_run_with_a_save(pictures, tmp_path):
    before, run = Before(), HostRun(pictures, tmp_path, steps=200)
    run.until("step", 2)
    ask("/sdapi/v1/interrupt", {})
    assert run.finish()["stopped"] and (tmp_path / "zorb.safetensors").exists()
    before.again()


def test_after_reload_ui_which_ends_no_run(pictures, tmp_path):
    before, run = Before(), HostRun(pictures, tmp_path, steps=12)
    run.until("step", 2)
    reload_ui()
    end = run.finish()
    assert end["kind"] == "finished" and not end["stopped"]
    before.again(host_drew=True)


def test_after_reload_ui_which_neither_a_job_nor_an_open_page_of_it_minds(pictures, tmp_path, job_name):
    before, job = Before(), Job(pictures, steps=5000)
    with Watcher(tmp_path) as watcher:
        watcher.wait_for_step(1)
        reload_ui()
        assert ask(f"{OURS}/state")["current"] == job.id
        watcher.wait_for_step(job.look()["step"] + 1)
    job.control("stop")
    last = job.until("stopped", "failed")["step"]
    assert [event["step"] for event in job.events() if event["kind"] == "step"] == list(range(1, last + 1))
    before.again(host_drew=True)


def test_after_a_browser_was_killed_that_watched_the_run(pictures, tmp_path, job_name):
    with Watcher(tmp_path) as watcher:
        before, job = Before(), Job(pictures, steps=60)
        watcher.wait_for_step(1)
        watcher.kill()
        assert job.until("running", "finished", step=job.look()["step"] + 3)
    assert job.until("finished", "failed")["state"] == "finished"
    before.again(host_drew=True)


class Watcher:
    """A browser with the host's page on the tab 'Train LoRA'. Its page is drawn when the block is entered."""

    def __init__(self, folder):
        playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
        program = shutil.which("chromium") or shutil.which("google-chrome")
        if program is None:
            pytest.skip("there is no chromium on the path")
        with socket.socket() as trial:
            trial.bind(("127.0.0.1", 0))
            self._port = trial.getsockname()[1]
        words = [program, *FLAGS, f"--remote-debugging-port={self._port}", f"--user-data-dir={folder / 'profile'}"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen([*words, "about:blank"], start_new_session=True, **quiet)
        self._playwright = playwright.sync_playwright()

    def __enter__(self):
        play = self._playwright.__enter__()
        wait_for(self._listens)
        browser = play.chromium.connect_over_cdp(f"http://127.0.0.1:{self._port}")
        self._page = browser.contexts[0].new_page()
        self._page.set_default_timeout(120_000)
        self._page.goto(URL, wait_until="domcontentloaded")
        self._page.locator("#tabs > .tab-nav > button", has_text="Train LoRA").first.click()
        self._page.wait_for_selector(".lt[data-ready]")
        return self

    def __exit__(self, *error):
        if self._process.poll() is None:
            self.kill()
        self._playwright.__exit__(*error)

    def wait_for_step(self, least):
        """Until the page shows that a job has come as far."""
        self._page.wait_for_function(SHOWS_STEP, arg=least)

    def kill(self):
        """All its processes at once, without a goodbye."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _listens(self):
        with socket.socket() as trial:
            return trial.connect_ex(("127.0.0.1", self._port)) == 0
