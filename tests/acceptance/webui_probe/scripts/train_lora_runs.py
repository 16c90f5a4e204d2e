"""For the acceptance tests only: runs inside the host, what goes wrong in them, and what they must leave as it was."""

import ctypes
import hashlib
import json
import os
import random
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

from modules import paths, script_callbacks, sd_models, shared
from modules.call_queue import queue_lock, wrap_queued_call

ROOT = str(Path(__file__).resolve().parents[4])
sys.path.insert(0, ROOT)
try:
    from lora_trainer import options
    from lora_trainer.control import Control
    from lora_trainer.events import to_json
    from lora_trainer.host.webui.host import WebUIHost
    from lora_trainer.host.webui.kind import kind
finally:
    sys.path.remove(ROOT)

RUNS = sys.__dict__.setdefault("_train_lora_runs", {})
"""Runs by number. Kept where a reload of this script does not reach them."""
PLACES = {
    "step": ("lora_trainer.objective", "Objective", "losses"),
    "picture": ("lora_trainer.host.webui.loan", "WebUILoan", "_means"),
    "caption": ("lora_trainer.host.webui.conditioning", "", "encode"),
}
"""Functions in which a run can be disturbed: of every micro-batch, every batch of pictures, every caption."""


class Run(threading.Thread):
    """A run on a thread of its own, as a job has it. `disturbed`: at which place, the how manieth time, by what."""

    def __init__(self, values, *, resume=False, give_way=True, disturbed=("step", 0, "")):
        super().__init__(daemon=True)
        self.values, self.resume = values, resume
        self.place, self.number, self.what = disturbed
        self.calls = 0
        self.host, self.control = WebUIHost(), Control()
        self.host.gives_way, self.host.on_interrupt = give_way, self.control.stop_and_save
        self.events, self.raised = [], ""
        self.waiting = []
        """For every micro-batch, who waited for the lock while it was computed."""
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # else what the host freed earlier would hide what the run takes
        self.begun, self.memory = time.process_time(), resident()

    def run(self):
        try:
            with first("step", self._note_who_waits), first(self.place, self._disturb):
                self._train()
        except BaseException as error:
            self.raised = repr(error)
            raise

    def _train(self):
        from lora_trainer.train import train

        config = options.build(options.unflattened(self.values))
        for event in train(config, self.host, self.control, resume=self.resume):
            spent = {"cpu": time.process_time() - self.begun, "grown": resident() - self.memory}
            self.events.append({**to_json(event), **spent})

    def _note_who_waits(self):
        self.waiting.append([id(event) for event in queue_lock._pending_threads])

    def _disturb(self):
        self.calls += 1
        if self.calls == self.number:
            happen(self.what)


@contextmanager
def first(place, act):
    """Inside, whoever comes to a place of `PLACES` acts before the work."""
    from importlib import import_module

    module, owner, name = PLACES[place]
    owner = getattr(import_module(module), owner) if owner else import_module(module)
    work = getattr(owner, name)

    def acts(*arguments):
        act()
        return work(*arguments)

    setattr(owner, name, acts)
    try:
        yield
    finally:
        setattr(owner, name, work)


def happen(what):
    """Raise the error of that name, or do to the host what `disturb` does."""
    import torch

    errors = {error.__name__: error for error in (RuntimeError, MemoryError, KeyError, torch.cuda.OutOfMemoryError)}
    if what in errors:
        raise errors[what]("broken on purpose")
    disturb({"what": what})


def resident():
    """Bytes of this process that lie in memory and belong to it alone (mapped files left out)."""
    fields = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE")


def start(values):
    number = len(RUNS)
    RUNS[number] = Run(values.pop("values"), **values)
    RUNS[number].start()
    return {"run": number}


def events(values):
    run = RUNS[values["run"]]
    alive = run.is_alive()
    return {
        "events": run.events[values.get("after", 0) :],
        "alive": alive,
        "raised": run.raised,
        "waiting": run.waiting,
        "pictures_waiting": run.host.pictures_waiting,
    }


def places(values):
    return {"data": paths.data_path, "loras": str(WebUIHost().lora_folder())}


def steer(values):
    run = RUNS[values["run"]]
    if "wish" in values:
        getattr(run.control, values["wish"])()
    if "give_way" in values:
        run.host.gives_way = values["give_way"]
    return {}


def snapshot(values):
    """Everything that a run must leave as it was, but for the picture, which the test draws."""
    import numpy as np
    import torch

    model = kind().loaded()
    digest = hashlib.sha256()
    for tensor in (*model.parameters(), *model.buffers()):
        digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    switches = {
        "cudnn": [getattr(torch.backends.cudnn, name) for name in ("enabled", "benchmark", "deterministic")],
        "tf32": [torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32],
        "precision": torch.get_float32_matmul_precision(),
        "dtype": str(torch.get_default_dtype()),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "gradients": torch.is_grad_enabled(),
        "threads": torch.get_num_threads(),
    }
    chance = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    return {
        "model": hash(model),
        "weights": digest.hexdigest(),
        "tensors": len(list(model.parameters())) + len(list(model.buffers())),
        "gradients": _hash([parameter.requires_grad for parameter in model.parameters()]),
        "training": _hash([module.training for module in model.modules()]),
        "hooks": _hash([len(getattr(module, name)) for module in model.modules() for name in hooks]),
        "kinds": _hash([type(module).__name__ for module in model.modules()]),
        "switches": switches,
        "random": dict(zip(("python", "numpy", "torch"), map(_hash, chance))),
        "path": list(sys.path),
        "environment": dict(os.environ),
        "settings": {key: repr(value) for key, value in shared.opts.data.items()},
        "state": [shared.state.job, shared.state.interrupted, "interrupt" in vars(shared.state)],
        "lock_is_free": queue_lock.acquire(blocking=False) and queue_lock.release() is None,
    }


def _hash(value):
    return hashlib.sha256(repr(value).encode()).hexdigest()


def disturb(values):
    """What others in the host do without asking, on the thread of a page's button. Some have an answer."""
    what = values["what"]
    if what == "reload ui":
        shared.state.request_restart()
    elif what == "throw away":
        sd_models.send_model_to_trash(sd_models.model_data.sd_model)
        sd_models.model_data.sd_model = None
    elif what == "forget":
        sd_models.model_data.sd_model = None
    elif what == "short user":
        return {"answer": wrap_queued_call(lambda: "served")()}
    elif what == "no checkpoints":
        with _without_checkpoints():
            return {"said": _said()}
    return {}


def _said():
    """The sentence with which a training is refused now."""
    from lora_trainer.errors import UserError
    from lora_trainer.sentences import to_json

    try:
        with WebUIHost().lend():
            return None
    except UserError as error:
        return to_json(error.sentence)


@contextmanager
def _without_checkpoints():
    known = (sd_models.checkpoints_list, sd_models.checkpoint_aliases)
    before = [dict(table) for table in known]
    for table in known:
        table.clear()
    try:
        yield
    finally:
        for table, entries in zip(known, before):
            table.update(entries)


def _app_started(demo, app):
    from fastapi import Body
    from fastapi.responses import JSONResponse

    def serve(function):
        def handler(values: dict = Body(default={})):  # noqa: B008
            return JSONResponse(json.loads(json.dumps(function(values), default=str)))

        return handler

    for function in (start, events, steer, snapshot, disturb, places):
        app.add_api_route(f"/train-lora-probe/{function.__name__}", serve(function), methods=["POST"])
    # A request that comes before the host has put all its parts together makes it break off: this says when it has.
    (Path(paths.data_path) / "train-lora-probe.started").write_text(str(time.time()), encoding="ascii")


script_callbacks.on_app_started(_app_started)
