"""What must be the same in the host before and after a run, and short runs on it."""

import hashlib
import random
import sys
import threading
from contextlib import contextmanager

import numpy as np
import torch

from lora_trainer import options
from lora_trainer.control import Control
from lora_trainer.host.webui.host import WebUIHost
from lora_trainer.host.webui.kind import kind
from lora_trainer.seeds import untouched_random_state
from lora_trainer.train import train
from tests.runs import values


def draw(webui, prompt="a cat", seed=1, **more):
    """A picture's bytes, as somebody gets it who waits for his turn."""
    picture = webui.processing.StableDiffusionProcessingTxt2Img(prompt=prompt, seed=seed, **more)
    return webui.processing.process_images(picture).images[0].tobytes()


class Threads:
    """The threads that are alive. Later ones equal earlier ones when none was added; others may have ended."""

    def __init__(self):
        self._alive = set(threading.enumerate())

    def __eq__(self, earlier):
        return self._alive <= earlier._alive

    def __repr__(self):
        return ", ".join(sorted(thread.name for thread in self._alive))


def snapshot(webui):
    """Everything that a run must leave as it was."""
    model = kind().loaded()
    digest = hashlib.sha256()
    for tensor in (*model.parameters(), *model.buffers()):
        digest.update(tensor.detach().numpy().tobytes())
    with untouched_random_state():  # the host seeds torch's own generator for a picture
        picture = draw(webui)
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return {
        "weights": digest.hexdigest(),
        "gradients": [parameter.requires_grad for parameter in model.parameters()],
        "training": [module.training for module in model.modules()],
        "hooks": [list(getattr(module, name).values()) for module in model.modules() for name in hooks],
        "names": [getattr(module, "network_layer_name", None) for module in model.modules()],
        "switches": (torch.backends.cudnn.benchmark, torch.backends.cuda.matmul.allow_tf32, torch.get_default_dtype()),
        "random": (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()),
        "path": list(sys.path),
        "lock": webui.call_queue.queue_lock.acquire(blocking=False) and webui.call_queue.queue_lock.release() is None,
        "state": (webui.shared.state.job, webui.shared.state.interrupted, vars(webui.shared.state).get("interrupt")),
        "settings": dict(webui.shared.opts.data),
        "threads": Threads(),
        "picture": picture,
    }


def run(pictures, output, *, host=None, control=None, resume=False, at=None, store=None, **more):
    """Events of a short run on the stand-in; `at` is called with every event."""
    config = options.build(values("", pictures, output, **{"network__dropout": 0.2, **more}))
    events = []
    for event in train(config, host or WebUIHost(), control or Control(), resume=resume, store=store):
        events.append(event)
        if at is not None:
            at(event)
    return events


def losses(events):
    return [event.loss for event in events if event.kind == "step"]


@contextmanager
def waiting(webui, work, *, with_task=True):
    """Somebody in the queue for the lock; gives a list that holds the result of `work` once it had its turn.

    With a task it is somebody who draws, without it a short user of the lock.
    """
    queue, done = webui.call_queue, []
    call = queue.wrap_gradio_gpu_call(work) if with_task else queue.wrap_queued_call(lambda task: work())
    thread = threading.Thread(target=lambda: done.append(call("task(a)")))
    before = len(queue.queue_lock._pending_threads)
    thread.start()
    while len(queue.queue_lock._pending_threads) == before and thread.is_alive():
        pass
    yield done
    thread.join()
