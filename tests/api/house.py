"""A desk on which everything that routes name is there, and nothing is ever loaded: runs are told, not made."""

import hashlib
import json
import time
from types import SimpleNamespace

from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from lora_trainer import options
from lora_trainer.accounts import Accounts
from lora_trainer.accounts.passwords import Cost
from lora_trainer.api import PREFIX, add_routes
from lora_trainer.control import Wish
from lora_trainer.errors import UserError
from lora_trainer.events import Event, Finished, Preparing, Sample, Saved, Started, Step
from lora_trainer.history.shots import GRID_FILE
from lora_trainer.host.standalone import StandaloneHost
from lora_trainer.jobs.desk import Desk
from lora_trainer.jobs.job import Job
from lora_trainer.jobs.queue import Jobs
from lora_trainer.jobs.states import FINISHED, PAUSED, STOPPED
from lora_trainer.jobs.tryout_request import TriedCell
from lora_trainer.run_folder import EventLog
from lora_trainer.visitor import ADMIN
from tests.jobs.conftest import wait_for

ENDLESS = "endless"
"""A run of this name, or one that begins so, takes steps until somebody ends it."""


class Teller:
    """A runner that tells what a run tells, and writes files of a few bytes."""

    pace = 0.001
    """Seconds of a step."""

    def run(self, job: Job) -> None:
        folder, total = job.folder, job.config.steps
        if not job.has_state:
            folder.create(job.config, {"device": "cpu"})
        self._tell(job, Preparing("pictures", 1, 1))
        self._tell(job, started(job, total))
        step = job.record.step
        while step < total or job.record.name.startswith(ENDLESS):
            if job.control.wish is not Wish.GO_ON:
                break
            step += 1
            self._tell(job, Step(step, 1, 0.1, 0.1, {"unet": 1e-4}, 1.0, 0.1, float(total - step), 2**30))
            time.sleep(self.pace)
        if job.control.wish is Wish.PAUSE:
            job.end(PAUSED)
            return
        self._write(job, step)
        stopped = job.control.wish is not Wish.GO_ON
        self._tell(job, Finished(step, str(folder.lora), 0, "", 1.0, stopped))
        job.end(STOPPED if stopped else FINISHED)

    def _tell(self, job: Job, event: Event) -> None:
        job.take(event)
        log = EventLog(job.folder.events)
        log.write(event)
        log.close()

    def _write(self, job: Job, step: int) -> None:
        folder = job.folder
        sample = folder.samples / f"step{step:06}_0_0.png"
        Image.new("RGB", (8, 8)).save(sample)
        self._tell(job, Sample(step, str(sample), "a zorb", 1))
        (folder.states / f"step{step:08}.safetensors").write_bytes(b"")
        content = lora(job.record.name)
        folder.lora.write_bytes(content)
        self._tell(job, Saved(step, str(folder.lora), hashlib.sha256(content).hexdigest(), final=True))


def started(job, total):
    return Started(
        job.record.name, "sd1", "epsilon", "pocket", 4, job.record.step, total, 4, (total,), "cpu", 1, 1000, 12
    )


def lora(name: str, kilobytes: int = 300) -> bytes:
    """The bytes of a LoRA file of one module, which nobody could mistake for another one's."""
    module = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
    shapes = {"lora_down.weight": [4, 32], "lora_up.weight": [32, 4], "alpha": []}
    entries, at = {}, 0
    for key, shape in shapes.items():
        size = 4 * (shape[0] * shape[1] if shape else 1)
        entries[f"{module}.{key}"] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    notes = {"ss_output_name": name, "padding": "x" * 1024 * kilobytes, "ss_base_model_version": "sd_v1"}
    header = json.dumps({"__metadata__": notes, **entries}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(at)


def made_desk(folder, runner=None, data=None):
    config = options.build({"base": {"checkpoint": "pocket"}})
    host = StandaloneHost(config.base, config.memory, folder / "loras", data or folder / "data")
    desk = Desk(host, jobs=Jobs(host, host.data_folder() / "runs", runner=runner or Teller()))
    desk.habits.turn(grid_at_end=False)
    return desk


class House:
    """The desk with one of everything. `known` are the ids of what is there by what examples call it."""

    def __init__(self, folder, pictures, guard=None):
        self.folder = folder
        self.teller = Teller()
        self.desk = made_desk(folder, self.teller)
        self.desk.accounts = Accounts(folder, Cost(2**4, 1, 1))
        self.desk.accounts.add("ann", "correct horse battery", ADMIN)
        self.desk.advisor.fits = _unknown  # it computes for a while, and waits for nobody
        app = Starlette()
        add_routes(app, self.desk, guard)
        self.app = app
        self.client = TestClient(app, base_url=f"http://testserver{PREFIX}", raise_server_exceptions=False)
        owner = TestClient(_open(self.desk), base_url=f"http://testserver{PREFIX}")
        self.known = {"/home/ann/train-lora": str(folder), **self._fill(owner, pictures)}

    def close(self):
        """The run that goes on keeps the model, so that nobody behind it begins to draw."""
        self.teller.pace = 10.0**6
        for others in (self.desk.tryouts, self.desk.captionings, self.desk.regularizations, self.desk.inquiries):
            for one in list(others._all.values()):
                one.stop()
        self.desk.jobs.close()

    def _fill(self, client, pictures):
        """One of everything: a run that has ended, one that goes on, and what waits for it behind that."""
        cats, old, spare = (self._dataset(client, name, pictures) for name in ("cats", "old", "spare"))
        upload = client.post(f"datasets/{cats}/uploads", json={"name": "five.png", "size": 11}).json()["id"]
        saved = client.post(f"datasets/{cats}/captions", json={"captions": {"000.png": "a cat"}}).json()
        values = {"kind": "exclude", "pictures": ["001.png"], "values": {}}
        undo = client.post(f"datasets/{cats}/health/fix", json=values).json()["undo"]
        ended, other = (self._job(client, cats, name, steps=8) for name in ("my_cat", "other_cat"))
        wait_for(lambda: self.desk.jobs.get(other).state == FINISHED, 90)
        ballot = client.post("history/ballots", json={"jobs": [ended, other]}).json()["id"]
        endless = self._job(client, cats, ENDLESS)
        wait_for(lambda: self.desk.jobs.get(endless).record.step > 0, 90)
        waiting, last = (self._job(client, cats, name) for name in ("next", "last"))
        self._proposal(self.desk.jobs.get(ended))
        self._grid(self.desk.jobs.get(ended))
        self._captioner()
        run = {"dataset": cats, "values": {}}
        wish = {"job": ended, "saves": ["my_cat.safetensors"], "strengths": [1], "prompts": ["a cat"], "single": True}
        tryout = client.post("tryouts", json=wish).json()["id"]
        self._cell(self.desk.tryouts.get(tryout))
        captioning = client.post("captionings", json={"dataset": old, "captioner": "clip"}).json()["id"]
        drawn = client.post("regularizations", json={**run, "prompts": ["a thing"], "count": 2}).json()["id"]
        inquiry = client.post("probes", json=run).json()["id"]
        hook = {"kind": "webhook", "name": "phone", "values": {"url": "http://127.0.0.1:9/hook"}, "when": []}
        channel = client.post("notices", json=hook).json()["id"]
        client.post("presets", json={"title": "mine", "why": "It is mine.", "values": {"steps": 700}})
        client.put("vocabularies/own", json={"tags": ["red", "green"]})
        return {
            "cats-4f1d": cats,
            "old-91c2": old,
            "spare-e07a": spare,
            "0123456789abcdef0123456789abcdef": upload,
            "20261101-093000-5f1c": ended,
            "20261101-094500-c3d8": other,
            "ballot-7be2": ballot,
            "20261101-100000-77aa": endless,
            "20261101-103000-02be": waiting,
            "20261101-103100-9a01": last,
            "3f9ac2d1e0b4": tryout,
            "caption-5a1e": captioning,
            "class-77d0": drawn,
            "inquiry-03bf": inquiry,
            "channel-1c9e": channel,
            "backup-1": saved["backup"],
            "undo-1": undo,
        }

    def _dataset(self, client, name, pictures):
        made = client.post("datasets", json={"name": name}).json()["id"]
        for number, file in enumerate(sorted(pictures.glob("*.png"))):
            client.put(f"datasets/{made}/files/{number:03}.png", content=file.read_bytes())
        return made

    def _job(self, client, dataset, name, steps=4):
        answer = client.post("jobs", json={"dataset": dataset, "values": {"save.name": name, "steps": steps}})
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]

    def _proposal(self, job):
        verdict = {"cells": [], "bare": None, "ceiling": None, "spread": None, "judges": {}, "missing": []}
        words = {"prompts": ["a cat"], "without_word": [], "word": "", "proposal": None}
        job.folder.proposal.write_text(json.dumps({"version": 1, "made": 1.0, **verdict, **words}), encoding="utf-8")

    def _grid(self, job):
        """A grid that was drawn before the program started."""
        place = job.folder.path / "tryouts" / "grid"
        place.mkdir(parents=True)
        Image.new("RGB", (64, 64)).save(place / "1.png")
        cells = [{"file": "1.png", "prompt": 0, "strength": 1.0, "step": 8}]
        grid = {"cells": cells, "prompts": ["a cat"], "seed": 1}
        (place / GRID_FILE).write_text(json.dumps(grid), encoding="utf-8")

    def _captioner(self):
        captioner = SimpleNamespace(name="clip", missing=lambda: None, models=["small"], identity="clip")
        self.desk.captionings._build = lambda name: lambda settings: captioner

    def _cell(self, tryout):
        tryout.folder.mkdir(parents=True, exist_ok=True)
        path = tryout.folder / "1.png"
        Image.new("RGB", (64, 64)).save(path)
        tryout.steps = {"my_cat.safetensors": 8}
        tryout.cells.append(TriedCell(1, "my_cat.safetensors", 1.0, 0, path))


def _unknown(*_, **__):
    raise UserError("Nobody knows.")


def _open(desk):
    app = Starlette()
    add_routes(app, desk)
    return app
