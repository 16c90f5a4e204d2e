"""Saves of a run: the LoRA under its step's name or its final one, and the state to resume from."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import optimizers, schedules
from ..config import TrainConfig
from ..data.plan import RunPlan
from ..data.records import Picture
from ..errors import UserError
from ..events import Saved
from ..files.disk import require_space
from ..files.metadata import FolderFacts, RunFacts, lora_metadata
from ..files.names import split_stem
from ..files.write import model_hash, write_lora
from ..host.base import BaseInfo
from ..run_folder import RunFolder
from ..state import State, save_state
from .agenda import Agenda
from .meter import Meter
from .model import TrainingModel
from .scaler import LossScaler
from .validation import Validation

BYTES_PER_WEIGHT = {"fp16": 2, "bf16": 2, "fp32": 4}
STATE_BYTES_PER_WEIGHT = 12
"""Weights and two moments of an AdamW, in fp32."""
STATES_AT_A_TIME = 3


@dataclass
class Saver:
    """Writes what a run leaves behind."""

    config: TrainConfig
    info: BaseInfo
    base_sha256: Callable[[], str]
    plan: RunPlan
    model: TrainingModel
    folder: RunFolder
    best_of: Callable[[Iterable[int]], int]
    """Of these steps the one with the lowest validation loss; 0 when none was measured."""
    session_id: str
    started_at: float
    base: str = ""
    """The fingerprint of the base's file as it is read for this run."""

    def check_space(self, agenda: Agenda) -> None:
        """Raise TrainingError when the disk has no room for all saves and states of the run."""
        weights = sum(parameter.numel() for parameter in self.model.parameters)
        keep = self.config.save.keep_last
        saves = len(agenda.saves())
        files = 1 + (min(saves, keep + 1) if keep else saves)
        needed = weights * (
            files * BYTES_PER_WEIGHT[self.config.save.dtype] + STATES_AT_A_TIME * STATE_BYTES_PER_WEIGHT
        )
        require_space(self.folder.output, needed, f"the {files} files and the state of this run")

    def path_of(self, step: int) -> str:
        """The file that holds the LoRA after `step` steps; empty when there is none."""
        if step == self.plan.total_steps:
            return str(self.folder.lora)
        path = self.folder.save_path(step)
        return str(path) if path.exists() else ""

    def save_lora(self, step: int, *, final: bool, path: Path | None = None) -> Saved:
        """Write the LoRA after `step` steps (to `path`, or its own place), and drop saves as `save.keep_last` says."""
        path = path or (self.folder.lora if final else self.folder.save_path(step))
        with optimizers.weights_for_use(self.model.optimizer):
            modules = self.model.adapters.modules()
        metadata = lora_metadata(
            self.config,
            replace(self.info, sha256=self.base_sha256()),
            self._facts(step),
            self.model.family.metadata(self.info),
            self.model.adapters.metadata(),
        )
        written = write_lora(path, modules, metadata, self.config.save.dtype)
        self._note_base()
        if not final:
            self._drop_old_saves()
        return Saved(step, str(path), written.sha256, final)

    def model_hash(self) -> str:
        """By which hosts know the LoRA of this moment, saved or not, under whatever name."""
        with optimizers.weights_for_use(self.model.optimizer):
            modules = self.model.adapters.modules()
        return model_hash(modules, self.model.family.metadata(self.info), self.config.save.dtype)

    def save_state(
        self, step: int, meter: Meter, validation: Validation, scaler: LossScaler, thrift: dict[str, Any]
    ) -> None:
        """Write the state after `step` steps; `thrift` is what was given up for memory."""
        tensors, plain = optimizers.optimizer_state(self.model.optimizer)
        values = {
            "optimizer": plain,
            "meter": meter.state(),
            "validation": validation.state(),
            "scaler": scaler.state(),
            "thrift": thrift,
            "session_id": self.session_id,
            "started_at": self.started_at,
            "fingerprint": self.plan.fingerprint,
            "base": self.base,
        }
        save_state(self.folder.states, State(step, self.model.adapters.state(), tensors, values))

    def _drop_old_saves(self) -> None:
        """Keep the newest saves and the best one, which a later one may turn out to be no better than."""
        keep = self.config.save.keep_last
        saves = {step: path for path in self.folder.saves() if (step := split_stem(path.stem)[2])}
        best = self.best_of(saves)
        for step in list(saves)[:-keep] if keep else ():
            if step != best:
                saves[step].unlink(missing_ok=True)

    def _note_base(self) -> None:
        """Write down the base's hash once it is known: it is read with the first save, not before the first step."""
        with contextlib.suppress(UserError):  # the save is what matters
            base = self.folder.read_environment().get("base", {})
            if base.get("sha256") != self.base_sha256():
                self.folder.note("base", {**base, "sha256": self.base_sha256()})

    def _facts(self, step: int) -> RunFacts:
        plan, pictures = self.plan, self.plan.pictures
        shown = [picture for index, picture in enumerate(pictures) if index not in plan.held_back]
        trained = [picture for picture in shown if not picture.regularization]
        buckets: Counter[tuple[int, int]] = Counter()
        for picture in shown:
            buckets[(picture.bucket[1], picture.bucket[0])] += picture.repeats
        epoch = plan.epoch_of(max(0, step - 1)) + 1
        return RunFacts(
            session_id=self.session_id,
            started_at=self.started_at,
            finished_at=time.time(),
            step=step,
            epoch=epoch,
            total_steps=plan.total_steps,
            total_epochs=plan.epoch_of(plan.total_steps - 1) + 1,
            batches_per_epoch=plan.batches_per_epoch,
            pictures=sum(picture.repeats for picture in trained),
            regularization_pictures=sum(picture.repeats for picture in shown if picture.regularization),
            folders=_folders(shown),
            buckets=buckets,
            warmup_steps=schedules.warmup_steps(self.config.optimizer, plan.total_steps),
            precision={"torch.float32": "fp32", "torch.bfloat16": "bf16"}.get(str(self.model.dtype), "fp16"),
        )


def _folders(pictures: Sequence[Picture]) -> list[FolderFacts]:
    """Pictures counted by the folder that they lie in, with the tags of their captions."""
    by_folder: dict[tuple[str, bool], list[Picture]] = {}
    for picture in pictures:
        by_folder.setdefault((str(picture.path.parent), picture.regularization), []).append(picture)
    return [
        FolderFacts(
            name=name,
            pictures=len(members),
            repeats=members[0].repeats,
            regularization=regularization,
            tags=Counter(tag for picture in members for tag in _tags(picture.caption)),
        )
        for (name, regularization), members in by_folder.items()
    ]


def _tags(caption: str) -> list[str]:
    return [tag for tag in map(str.strip, caption.split(",")) if tag]
