"""For the acceptance tests only: runs inside the host, and what a run must leave as it was.

TRAIN_LORA_ADDED may name a folder with diffusers and peft, where no extension brings them.
"""

import hashlib
import json
import os
import random
import sys
import threading
import time
from pathlib import Path

from modules import script_callbacks, sd_models, shared
from modules.call_queue import queue_lock

ROOT = str(Path(__file__).resolve().parents[4])
sys.path.insert(0, ROOT)
try:
    from lora_trainer import options
    from lora_trainer.control import Control
    from lora_trainer.events import to_json
    from lora_trainer.host.webui.host import WebUIHost
finally:
    sys.path.remove(ROOT)

RUNS = sys.__dict__.setdefault("_train_lora_runs", {})
"""Runs by number. Kept where a reload of this script does not reach them."""


class Run(threading.Thread):
    """A run on a thread of its own, as a job has it. `break_at` lets the n-th micro-batch fail in its middle."""

    def __init__(self, values, *, resume=False, give_way=True, break_at=0, error="RuntimeError"):
        super().__init__(daemon=True)
        self.values, self.resume, self.break_at, self.error = values, resume, break_at, error
        self.host, self.control = WebUIHost(), Control()
        self.host.gives_way, self.host.on_interrupt = give_way, self.control.stop_and_save
        self.events, self.raised = [], ""
        self.begun = time.process_time()
        self.memory = resident()

    def run(self):
        try:
            self._train()
        except BaseException as error:
            self.raised = repr(error)
            raise

    def _train(self):
        added = os.environ.get("TRAIN_LORA_ADDED")
        if added and added not in sys.path:
            sys.path.append(added)
        import torch

        from lora_trainer.objective import Objective
        from lora_trainer.train import train

        losses, calls = Objective.losses, []

        def failing(objective, *arguments):
            calls.append(None)
            if len(calls) == self.break_at:
                raise {"RuntimeError": RuntimeError, "KeyError": KeyError, "MemoryError": MemoryError}[self.error](
                    "broken on purpose"
                )
            return losses(objective, *arguments)

        Objective.losses = failing if self.break_at else losses
        try:
            config = options.build(options.unflattened(self.values))
            for event in train(config, self.host, self.control, resume=self.resume):
                self.events.append(
                    {
                        **to_json(event),
                        "cpu": time.process_time() - self.begun,
                        "grown": resident() - self.memory,
                        "threads": torch.get_num_threads(),
                    }
                )
        finally:
            Objective.losses = losses


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
        "pictures_waiting": run.host.pictures_waiting,
    }


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

    model = sd_models.model_data.sd_model
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
        "threads": torch.get_num_threads(),
    }
    chance = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    return {
        "model": id(model),
        "weights": digest.hexdigest(),
        "tensors": len(list(model.parameters())) + len(list(model.buffers())),
        "gradients": _hash([parameter.requires_grad for parameter in model.parameters()]),
        "training": _hash([module.training for module in model.modules()]),
        "hooks": _hash([len(getattr(module, name)) for module in model.modules() for name in hooks]),
        "kinds": _hash([type(module).__name__ for module in model.modules()]),
        "switches": switches,
        "random": _hash(chance),
        "path": [entry for entry in sys.path if entry != os.environ.get("TRAIN_LORA_ADDED")],
        "environment": dict(os.environ),
        "settings": {key: repr(value) for key, value in shared.opts.data.items()},
        "state": [shared.state.job, shared.state.interrupted, "interrupt" in vars(shared.state)],
        "lock_is_free": queue_lock.acquire(blocking=False) and queue_lock.release() is None,
    }


def _hash(value):
    return hashlib.sha256(repr(value).encode()).hexdigest()


def disturb(values):
    """What other parts of the host do to the model without asking, on the thread of a page's button."""
    what = values["what"]
    if what == "reload ui":
        shared.state.request_restart()
    elif what == "throw away":
        sd_models.send_model_to_trash(sd_models.model_data.sd_model)
        sd_models.model_data.sd_model = None
    elif what == "unload":
        sd_models.unload_model_weights()
    elif what == "select":
        shared.opts.data["sd_model_checkpoint"] = sd_models.get_closet_checkpoint_match(values["name"]).title
    elif what == "short user":
        from modules.call_queue import wrap_queued_call

        return {"answer": wrap_queued_call(lambda: "served")()}
    return {}


def _app_started(demo, app):
    from fastapi import Body
    from fastapi.responses import JSONResponse

    def serve(function):
        def handler(values: dict = Body(default={})):  # noqa: B008
            return JSONResponse(json.loads(json.dumps(function(values), default=str)))

        return handler

    for function in (start, events, steer, snapshot, disturb):
        app.add_api_route(f"/train-lora-probe/{function.__name__}", serve(function), methods=["POST"])


script_callbacks.on_app_started(_app_started)
