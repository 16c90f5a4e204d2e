"""A client of a running WebUI with `webui_probe` among its extensions: pictures, runs inside of it, and its state."""

import base64
import json
import os
import threading
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import pytest

from tests.runs import values

URL = os.environ.get("WEBUI_URL", "").rstrip("/")
MARKS = [pytest.mark.acceptance, pytest.mark.skipif(not URL, reason="WEBUI_URL names no running WebUI")]
PATIENCE = 300
"""Seconds until a run or an answer must be there."""
OURS = "/lora-trainer/v1"
OTHER = "a small green square, red background"
"""The prompt of whoever else uses the host."""


class Refusal(AssertionError):
    """The host answered with an error; `sentence` is what ours say."""

    def __init__(self, path, code, body):
        super().__init__(f"{path}: {code} {body[:500]!r}")
        try:
            self.sentence = json.loads(body)["error"]
        except (ValueError, KeyError, TypeError):
            self.sentence = None


def ask(path, body=None, method=None, timeout=PATIENCE):
    """An answer of the host as plain values. Raises Refusal."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        raise Refusal(path, error.code, error.read()) from error


def probe(question, **asked):
    return ask(f"/train-lora-probe/{question}", asked)


def progress():
    return ask("/sdapi/v1/progress?skip_current_image=true")


def picture(prompt="a large red circle, blue background", seed=1, side=64, steps=8, **more):
    """The bytes of a picture from txt2img."""
    asked = {"prompt": prompt, "seed": seed, "width": side, "height": side, "steps": steps, "sampler_name": "Euler"}
    asked["force_task_id"] = f"task({uuid.uuid4().hex})"  # the host would draw one from the global random state
    return base64.b64decode(ask("/sdapi/v1/txt2img", {**asked, "cfg_scale": 5, **more})["images"][0])


def select(base):
    """Select a checkpoint as the page does; returns its file."""
    ask("/sdapi/v1/options", {"sd_model_checkpoint": f"{base}.safetensors"})
    return Path(bases()[base])


def bases():
    """The host's checkpoints: {name: file}."""
    return {model["model_name"]: model["filename"] for model in ask("/sdapi/v1/sd-models")}


def reload_ui():
    """Press 'Reload UI' and wait until the page is there again. Asked too early, the host itself breaks off."""
    started = Path(probe("places")["data"]) / "train-lora-probe.started"
    before = started.read_text(encoding="ascii")
    probe("disturb", what="reload ui")
    wait_for(lambda: started.read_text(encoding="ascii") not in (before, ""))
    time.sleep(0.5)


def wait_for(condition, seconds=PATIENCE):
    """What `condition` gives once it gives something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"Nothing happened for {seconds} seconds.")


class Before:
    """The host at the beginning of a test; `again` asserts that it is the same, to the byte of a picture."""

    def __init__(self):
        picture()  # the first picture after a change of the checkpoint leaves marks of its own
        self.picture, self.state = picture(), probe("snapshot")

    def again(self, *, host_drew=False):
        """`host_drew`: the host made a picture or its page meanwhile, which draws from Python's random state."""
        state = probe("snapshot")
        if host_drew:
            state["random"]["python"] = self.state["random"]["python"]
        assert {key: value for key, value in state.items() if value != self.state[key]} == {}
        assert picture() == self.picture


class HostRun:
    """A run inside the host, begun at once. `how`: resume, give_way, disturbed; `more`: as of runs.values."""

    def __init__(self, pictures, output, how=None, **more):
        flat = _flat(values("", pictures, output, **{"network__dropout": 0.2, **more}))
        self.number = probe("start", values=flat, **(how or {}))["run"]
        self.seen, self.raised, self.waiting = [], "", []

    def look(self):
        """What is known of it now."""
        answer = probe("events", run=self.number, after=len(self.seen))
        self.seen += answer["events"]
        self.waiting = answer["waiting"]
        return answer

    def until(self, kind, step=0):
        """Wait for an event of a kind (at or after a step), and return it."""
        return self._wait(lambda: next((e for e in self.seen if e["kind"] == kind and e.get("step", 0) >= step), None))

    def finish(self):
        """Wait for the end, and return the last event."""
        answer = self._wait(lambda: None if (now := self.look())["alive"] else now)
        self.raised = answer["raised"]
        return self.seen[-1] if self.seen else {"kind": "raised"}

    def steer(self, **wish):
        probe("steer", run=self.number, **wish)

    @property
    def losses(self):
        return [event["loss"] for event in self.seen if event["kind"] == "step"]

    def assert_finished_as(self, losses):
        """It ends well, with these losses to the bit."""
        assert self.finish()["kind"] == "finished", (self.seen[-1], self.raised)
        assert self.losses == losses

    def _wait(self, condition):
        def look():
            alive = self.look()["alive"]
            found = condition()
            assert alive or found is not None, f"The run ended: {self.seen[-1:]} {self.look()['raised']}"
            return found

        return wait_for(look)


class Job:
    """A job through the routes that the page uses."""

    NAME = "acceptance-job"

    def __init__(self, pictures, **more):
        dataset = ask(f"{OURS}/datasets", {"path": str(pictures)})["id"]
        given = values("", pictures, Path("unused"), **{"network__dropout": 0.2, "save__name": self.NAME, **more})
        del given["base"], given["data"]["folders"], given["save"]["output"]
        self.id = ask(f"{OURS}/jobs", {"values": given, "dataset": dataset, "replace": True})["id"]

    def look(self):
        return ask(f"{OURS}/jobs/{self.id}")

    def events(self):
        return ask(f"{OURS}/jobs/{self.id}/events?limit=10000")["events"]

    def control(self, name):
        return ask(f"{OURS}/jobs/{self.id}/{name}", {})

    def until(self, *states, step=0):
        """Wait until it is in one of the states, at or after a step; returns its summary."""
        return wait_for(lambda: (job := self.look())["state"] in states and job["step"] >= step and job)


def lora_folder():
    """The host's folder of LoRAs. (Forge breaks off when it is asked for its flags.)"""
    return Path(probe("places")["loras"])


def remove_lora(name):
    """Take a LoRA out of the host's folder, with what lies beside it."""
    for file in lora_folder().glob(f"{name}.*"):
        if file.is_file():
            file.unlink()
    ask("/sdapi/v1/refresh-loras", {})


class Meanwhile(threading.Thread):
    """Something that is done while a run is; `result` waits for it."""

    def __init__(self, work):
        super().__init__(daemon=True)
        self._work, self._found, self._error = work, None, None
        self.start()

    def run(self):
        try:
            self._found = self._work()
        except (AssertionError, OSError) as error:
            self._error = error

    @property
    def result(self):
        self.join(PATIENCE)
        assert self._error is None and not self.is_alive(), self._error
        return self._found


def _flat(tree, path=""):
    """Nested options as dotted paths."""
    flat = {}
    for key, value in tree.items():
        name = f"{path}{key}"
        flat.update(_flat(value, f"{name}.") if isinstance(value, dict) else {name: value})
    return flat
