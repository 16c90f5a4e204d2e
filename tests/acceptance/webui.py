"""A client of a running WebUI with `webui_probe` among its extensions: pictures, runs inside of it, and its state."""

import base64
import json
import os
import threading
import time
import urllib.error
import urllib.request

from tests.runs import values

URL = os.environ.get("WEBUI_URL", "").rstrip("/")
PATIENCE = 600
"""Seconds until a run or an answer must be there."""


def ask(path, body=None, timeout=PATIENCE):
    """An answer of the host as plain values."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{path}: {error.code} {error.read()[:500]!r}") from error


def probe(question, **asked):
    return ask(f"/train-lora-probe/{question}", asked)


def picture(prompt="a large red circle, blue background", seed=1, side=64, steps=8, **more):
    """The bytes of a picture from txt2img."""
    asked = {"prompt": prompt, "seed": seed, "width": side, "height": side, "steps": steps, "sampler_name": "Euler"}
    return base64.b64decode(ask("/sdapi/v1/txt2img", {**asked, "cfg_scale": 5, **more})["images"][0])


def select(base):
    """Select a checkpoint as the page does."""
    ask("/sdapi/v1/options", {"sd_model_checkpoint": f"{base}.safetensors"})


class HostRun:
    """A run inside the host, begun at once. `how`: resume, give_way, break_at, error; `more`: as of runs.values."""

    def __init__(self, pictures, output, how=None, **more):
        flat = _flat(values("", pictures, output, **{"network__dropout": 0.2, **more}))
        self.number = probe("start", values=flat, **(how or {}))["run"]
        self.seen = []

    def look(self):
        """What is known of it now."""
        answer = probe("events", run=self.number, after=len(self.seen))
        self.seen += answer["events"]
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

    def _wait(self, condition):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            alive = self.look()["alive"]
            if (found := condition()) is not None:
                return found
            assert alive, f"The run ended: {self.seen[-1:]} {self.look()['raised']}"
            time.sleep(0.05)
        raise AssertionError(f"Nothing happened for {PATIENCE} seconds: {self.seen[-1:]}")


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
