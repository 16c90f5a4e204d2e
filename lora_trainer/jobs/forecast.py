"""What a run will be, before it is one: pictures, steps and saves, from the same plan and agenda that the run uses."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..checks import check
from ..config import DataOptions, TrainConfig
from ..host.base import Host
from ..sentences import Sentence

if TYPE_CHECKING:
    from ..data.records import DataSet, Picture

KEPT = 4
"""How many data sets' scans are remembered."""


@dataclass(frozen=True)
class Summary:
    """A run in numbers. `repeats` is the mean; `saves` are the steps after which a LoRA is saved, the end included."""

    pictures: int
    repeats: float
    epochs: int
    steps: int
    batch: int
    saves: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def sentence(self) -> Sentence:
        """The run in one sentence; an equation where it is one (buckets and limits on the steps break it)."""
        values = {**self.to_json(), "repeats": f"{self.repeats:g}", "saves": _listed(self.saves)}
        if self.pictures * self.repeats * self.epochs != self.steps * self.batch:
            template = "{pictures} pictures at batch {batch}: {steps} steps in {epochs} epochs, saves at {saves}"
            return Sentence("run_summary_about", template, **values)
        if self.repeats == 1:
            template = "{pictures} pictures x {epochs} epochs at batch {batch} = {steps} steps, saves at {saves}"
            return Sentence("run_summary_once", template, **values)
        template = (
            "{pictures} pictures x {repeats} repeats x {epochs} epochs at batch {batch} = {steps} steps, "
            "saves at {saves}"
        )
        return Sentence("run_summary", template, **values)


class Forecaster:
    """Looks ahead. Scans are remembered as long as the folders stay as they are, so that asking often is cheap."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._scans: dict[Any, DataSet] = {}
        self._lock = threading.Lock()

    def summary(self, config: TrainConfig) -> Summary:
        """Raises ConfigError, DataError or BaseModelError as a training would."""
        from ..data.plan import RunPlan
        from ..resolve import with_epochs, with_resolution
        from ..training.agenda import Agenda

        check(config, lambda _: self._host.describe())
        config = with_resolution(config, self._host.describe())
        pictures = self.scan(config.data).pictures
        config = with_epochs(config, pictures)
        plan = RunPlan.from_config(pictures, config)
        agenda = Agenda(config, plan.total_steps, plan.steps_per_epoch)
        trained = [picture for index, picture in enumerate(pictures) if index not in plan.held_back]
        shown = [picture for picture in trained if not picture.regularization]
        return Summary(
            pictures=len(shown),
            repeats=_mean_repeats(shown),
            epochs=plan.epoch_of(plan.total_steps - 1) + 1,
            steps=plan.total_steps,
            batch=config.data.batch_size * config.optimizer.accumulation,
            saves=(*agenda.saves(), plan.total_steps),
        )

    def scan(self, data: DataOptions) -> DataSet:
        """The pictures and captions in the folders. Raises DataError when none can be used."""
        from ..data.scan import scan

        key = (repr(data), tuple(_fingerprints(data)))
        with self._lock:
            if key not in self._scans:
                self._scans[key] = scan(data)
                for old in list(self._scans)[:-KEPT]:
                    del self._scans[old]
            return self._scans[key]


def _fingerprints(data: DataOptions) -> list[tuple[str, int, int]]:
    """Name, size and time of every file in the folders."""
    files = []
    for folder in data.folders:
        for path in sorted(Path(folder.path).expanduser().rglob("*")):
            with contextlib.suppress(OSError):  # gone meanwhile, or a link to nowhere
                facts = path.stat()
                files.append((str(path), facts.st_size, facts.st_mtime_ns))
    return files


def _mean_repeats(pictures: Sequence[Picture]) -> float:
    return sum(picture.repeats for picture in pictures) / max(1, len(pictures))


def _listed(saves: Sequence[int]) -> str:
    """All saves, or the first and the last of many."""
    if len(saves) <= 6:
        return ", ".join(map(str, saves))
    return ", ".join([*map(str, saves[:4]), "...", str(saves[-1])])
