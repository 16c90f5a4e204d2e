"""The desk: the one object that the page and the API read and write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .. import options
from ..config import TrainConfig
from ..datasets.store import DataSets
from ..errors import ConfigError
from ..host.base import Host
from ..presets import Preset, load_presets
from ..sentences import Sentence
from .advisor import Advisor
from .captioning import Captionings
from .forecast import Forecaster
from .habits import Habits
from .inquiries import Inquiries
from .job import Job
from .keep import Kept, keep
from .queue import Jobs
from .states import FINISHED, STOPPED
from .tryouts import TryOuts


class Desk:
    """Everything that a page shows: the host, data sets and their captioning, presets, jobs and try-outs."""

    def __init__(
        self,
        host: Host,
        datasets: DataSets | None = None,
        jobs: Jobs | None = None,
        tryouts: TryOuts | None = None,
        presets: Callable[[], Sequence[Preset]] = load_presets,
    ) -> None:
        self.host, self.presets = host, presets
        self.datasets = datasets or DataSets(host.data_folder() / "datasets")
        self.jobs = jobs or Jobs(host, host.data_folder() / "runs")
        self.tryouts = tryouts or TryOuts(host, self.jobs.turn, self.jobs.waiting)
        self.captionings = Captionings(host, self.jobs.turn)
        self.forecaster = Forecaster(host)
        self.advisor = Advisor(host, self.forecaster.scan, presets)
        self.inquiries = Inquiries(self.advisor, self.jobs.turn)
        self.habits = Habits(host.data_folder() / "habits.json")
        self.jobs.on_end = self._show_what_was_learned

    @property
    def busy(self) -> bool:
        """Whether the model is at work, for us or for the host's own users: then others leave the processor alone."""
        return self.jobs.turn.holder is not None or bool(getattr(self.host, "drawing", False))

    def config(self, values: Mapping[str, Any], dataset: str = "") -> TrainConfig:
        """A configuration from what a page sends: the base is the host's, the pictures those of the data set.

        Raises ConfigError for wrong options and UserError for an unknown data set.
        """
        info = self.host.describe()
        values = options.merged(options.unflattened(values), {"base": {"checkpoint": info.path or info.name}})
        if dataset:
            values = options.merged(values, {"data": {"folders": self._folders(values, dataset)}})
        config = options.build(values)
        if "." in config.optimizer.name:
            sentence = "{path} is '{value}': from a page, only built-in optimizers can be chosen."
            raise ConfigError(
                [Sentence("outside_optimizer", sentence, path="optimizer.name", value=config.optimizer.name)]
            )
        return config

    def submit(self, values: Mapping[str, Any], dataset: str = "", *, replace: bool = False) -> Job:
        """Line up a training. Raises as `config` and `Jobs.submit`."""
        config = self.config(values, dataset)
        return self.jobs.submit(config, replace=replace, dataset=dataset, values=options.unflattened(values))

    def keep(self, job: Job, save: str, *, strength: float = 1.0, replace: bool = False, name: str = "") -> Kept:
        """Make a save the final file; its picture is the try-out's at that strength, where there is one."""
        preview = self.tryouts.picture_of(job, save, strength)
        return keep(self.host, job, save, strength=strength, preview=preview, replace=replace, name=name)

    def _show_what_was_learned(self, job: Job) -> None:
        """Begin the usual grid of a run that ended well; whether somebody watches makes no difference."""
        if job.state in (FINISHED, STOPPED) and self.habits.grid_at_end:
            self.tryouts.begin_usual(job)

    def _folders(self, values: Mapping[str, Any], dataset: str) -> list[Any]:
        """The data set's folder with what the options say of the first one, and the further ones as they are."""
        given = (values.get("data") or {}).get("folders") or [{}]
        given = given if isinstance(given, list) else [given]
        first = given[0] if isinstance(given[0], Mapping) else {}
        return [{**first, "path": str(self.datasets.get(dataset).path)}, *given[1:]]
