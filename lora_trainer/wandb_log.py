"""A run's curves at Weights & Biases, for whoever asked for it and has its package.

It has a thread of its own, which may wait for a network, fail or never come back: the run does not notice. What is sent
are numbers and those options that are numbers or names of a choice. Pictures and their prompts go only where asked for;
captions, paths, the console, the program and the machine never do.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import queue
import secrets
import threading
from collections.abc import Mapping
from operator import attrgetter
from pathlib import Path
from typing import Any

from . import options
from .config import TrainConfig
from .curve_log import measures
from .events import Event, Failed, Finished, Reached, Sample, Started, Step, Validated
from .files.atomic import write_text
from .sentences import Sentence

log = logging.getLogger(__name__)

MOST_WAITING = 5000
"""Events that wait to be sent; what comes beyond is left out."""
PATIENCE = 10.0
"""Seconds that the end of a run waits for what is still to be sent."""
NAMES = ("network.type", "optimizer.schedule", "samples.sampler")
"""Options that are names of a choice, though not listed as such."""
OWN = ("save.wandb", "save.wandb_project", "save.wandb_samples")
SETTINGS: Mapping[str, Any] = {
    "silent": True,
    "console": "off",
    "disable_code": True,
    "disable_git": True,
    "disable_job_creation": True,
    "save_code": False,
    "x_disable_meta": True,
    "_disable_meta": True,
    "x_disable_machine_info": True,
    "x_save_requirements": False,
    "_save_requirements": False,
    "x_disable_stats": True,
    "_disable_stats": True,
    "init_timeout": 60.0,
    "finish_timeout": 30.0,
}
"""What wandb would do beside, turned off; every version knows some of these."""
OFFLINE = ("offline", "disabled", "dryrun")


def problem(config: TrainConfig) -> Sentence | None:
    """Why curves that were asked for will not come, as far as one can see beforehand."""
    if not config.save.wandb or importlib.util.find_spec("wandb") is not None:
        return None
    sentence = (
        "Nothing is sent to Weights & Biases: its package is not there. Install it (pip install wandb) and sign in."
    )
    return Sentence("wandb_missing", sentence)


class WandbLog:
    """Takes events and never raises or waits; `close` waits a little while for what is still on its way."""

    def __init__(self, config: TrainConfig, folder: Path) -> None:
        self._config, self._folder = config, folder
        self._wanted = config.save.wandb and problem(config) is None
        self._waiting: queue.Queue[Event | None] = queue.Queue(MOST_WAITING)
        self._thread: threading.Thread | None = None

    def write(self, event: Event) -> None:
        if not self._wanted:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="train-lora wandb", daemon=True)
            self._thread.start()
        try:
            self._waiting.put_nowait(event)
        except queue.Full:
            return  # what is late is of no use to anybody

    def close(self) -> None:
        if self._thread is None:
            return
        try:
            self._waiting.put(None, timeout=PATIENCE)
        except queue.Full:
            return
        self._thread.join(PATIENCE)

    def _work(self) -> None:
        try:
            import wandb

            if _signed_in(wandb):
                self._send_all(wandb)
            else:
                log.warning("Nothing is sent to Weights & Biases: sign in first (wandb login).")
        except (Exception, SystemExit) as error:  # noqa: BLE001  whatever another's package does, the run goes on
            log.warning("Weights & Biases broke off with %s; the run goes on.", type(error).__name__)
        self._wanted = False

    def _send_all(self, wandb: Any) -> None:
        run = wandb.init(
            project=self._config.save.wandb_project,
            name=self._config.save.name,
            id=_id_of(self._folder),
            resume="allow",
            dir=str(self._folder),
            config=told_options(self._config),
            settings=wandb.Settings(**_known_settings(wandb.Settings)),
        )
        failed = False
        while (event := self._waiting.get()) is not None:
            failed = isinstance(event, Failed)
            self._send(wandb, run, event)
        run.finish(exit_code=1 if failed else 0)

    def _send(self, wandb: Any, run: Any, event: Event) -> None:
        if isinstance(event, (Step, Validated, Reached)):
            run.log(measures(event), step=event.step)
        elif isinstance(event, Sample) and self._config.save.wandb_samples:
            run.log({"sample": wandb.Image(event.path, caption=event.prompt)}, step=event.step)
        elif isinstance(event, Started):
            run.summary.update({"family": event.family, "pictures": event.pictures, "modules": event.modules})
        elif isinstance(event, Finished):
            run.summary.update({"best step": event.best_step, "stopped": event.stopped})


def told_options(config: TrainConfig) -> dict[str, Any]:
    """The options that are told, by their paths: numbers, switches and choices, and no text that somebody wrote."""
    told = {}
    for option in options.walk():
        value = attrgetter(option.path)(config)
        choice = isinstance(value, str) and (option.choices or option.path in NAMES)
        if option.path not in OWN and (choice or isinstance(value, (bool, int, float))):
            told[option.path] = value
    return told


def _signed_in(wandb: Any) -> bool:
    """Without ever asking at a terminal."""
    if os.environ.get("WANDB_MODE", "online").lower() in OFFLINE:
        return True
    try:
        return bool(wandb.login(prompt=False))
    except TypeError:  # an earlier version, which tells its key instead
        return bool(wandb.api.api_key)


def _known_settings(settings: Any) -> dict[str, Any]:
    known = getattr(settings, "model_fields", None) or getattr(settings, "__annotations__", {})
    return {name: value for name, value in SETTINGS.items() if name in known}


def _id_of(folder: Path) -> str:
    """The run's id there: a run that goes on is the same one."""
    file = folder / "wandb-id.txt"
    try:
        return file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        write_text(file, secrets.token_hex(6))
        return file.read_text(encoding="ascii").strip()
