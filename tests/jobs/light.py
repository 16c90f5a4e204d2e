"""Jobs without a model: a host that lends nothing, and runners that take no steps."""

import itertools
import threading
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from lora_trainer import options
from lora_trainer.control import Wish
from lora_trainer.errors import UserError
from lora_trainer.events import Saved
from lora_trainer.host.base import BaseInfo, Drawn, Published
from lora_trainer.jobs.job import Job
from lora_trainer.jobs.record import Record
from lora_trainer.jobs.states import FINISHED, PAUSED, STOPPED

from .conftest import wait_for


class LightHost:
    """Holds a base that is nothing but a file of a few bytes."""

    kind = "standalone"

    def __init__(self, folder: Path):
        self.folder, self.base = folder, folder / "base.safetensors"
        if not self.base.exists():
            self.base.write_bytes(b"a base " * 1000)

    def describe(self):
        return BaseInfo(self.base.stem, "sd1", path=str(self.base))

    def settle(self, config):
        return config

    def lora_folder(self):
        return self.folder / "loras"

    def data_folder(self):
        return self.folder / "data"

    def model_folders(self):
        return []

    def config(self, name="zorb", **more):
        """Options of a run on the base, with this folder as its pictures."""
        values = {"base.checkpoint": str(self.base), "data.folders": [str(self.folder)], "save.name": name, "steps": 40}
        return options.build(options.unflattened(values | {key.replace("__", "."): more[key] for key in more}))


class PaintingHost(LightHost):
    """Draws at once: the brighter, the higher the strength. After `most` pictures it breaks off.

    `cards` are those of what was published.
    """

    most = 10**6

    def __init__(self, folder):
        super().__init__(folder)
        self.cards = []

    @contextmanager
    def studio(self, files):
        yield self

    def draw(self, request, loras=()):
        if self.most == 0:
            raise UserError("The host was interrupted.")
        self.most -= 1
        shade = int(250 * loras[0].strength) if loras[0].strength else request.seed % 40
        return Drawn(Image.new("RGB", (request.width, request.height), (shade, 9, 9)), f"{request.prompt}\nSteps: 3")

    def publish(self, file, card, *, replace=False):
        self.cards.append(card)
        return Published(file.stem, file)


SAVES = ["zorb-step000002.safetensors", "zorb.safetensors"]


class Saving:
    """Runs a job that leaves two saves."""

    def run(self, job):
        for step, file in zip((2, 4), SAVES):
            (job.folder.output / file).write_bytes(b"a save")
            job.take(Saved(step, file, "", final=step == 4))
        job.folder.samples.mkdir(parents=True)
        job.end(FINISHED)


class Quick:
    """Runs each job for a moment, as long as `lasts` says, and heeds what is wished meanwhile."""

    def __init__(self, lasts=lambda: 0.0):
        self.lasts, self.ran, self.at_once, self.most = lasts, [], 0, 0
        self._lock = threading.Lock()

    def run(self, job):
        with self._lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            self.ran.append(job.id)
        end = threading.Event()
        for _ in itertools.repeat(None, 20):
            if job.control.wish is not Wish.GO_ON or end.wait(self.lasts() / 20):
                break
        with self._lock:
            self.at_once -= 1
        job.end({Wish.PAUSE: PAUSED, Wish.GO_ON: FINISHED}.get(job.control.wish, STOPPED))


class Patient:
    """Runs a job until it is told to `go` on, whatever is wished meanwhile."""

    def __init__(self):
        self.go = threading.Event()

    def run(self, job):
        self.go.wait(20)
        job.end(FINISHED)


class Waiting:
    """Runs a job until something is wished, or `ends` is set."""

    def __init__(self):
        self.ends, self.began = threading.Event(), []

    def run(self, job):
        self.began.append(job.record.name)
        wait_for(lambda: self.ends.is_set() or job.control.wish is not Wish.GO_ON)
        job.end({Wish.PAUSE: PAUSED, Wish.GO_ON: FINISHED}.get(job.control.wish, STOPPED))


def lone_job(folder, enqueue=lambda job: None, **values):
    """A job that nobody runs, with a folder of its own."""
    config = options.build(options.unflattened({"save.name": "zorb", "save.output": str(folder)}))
    return Job(Record("20260101-000000-aaaa", "zorb", {}, total_steps=40, **values), config, enqueue)
