"""LoRATrainer: the phases of a training one by one, for use from Python."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from . import options
from .advice.catalogue import Adviser
from .config import TrainConfig
from .control import Control
from .data.records import DataSet
from .errors import TrainingError
from .events import Event, Failed, Finished, Paused
from .host.base import Host, Loan
from .train import advised, run_steps, start
from .training.model import TrainingModel
from .training.prepare import PreparedRun
from .training.survey import Survey, open_folder, open_records, survey

if TYPE_CHECKING:
    from .estimate.duration import Duration
    from .estimate.probe import Probe

T = TypeVar("T")


class LoRATrainer:
    """Trains a LoRA in four phases; each calls those before it when they are missing.

        with LoRATrainer("config.yaml") as trainer:
            trainer.prepare_data()
            trainer.build_model()
            for event in trainer.train():
                print(event)
            trainer.export_lora_weights("cat.safetensors")

    `config` is a TrainConfig, nested values, or the path of a YAML file; `host` holds the base (by default one that
    loads it from its file); `control` steers from other threads; `listener` gets the events of preparation as well.
    Leave the `with` block, or call `close`, to give the base back.
    """

    def __init__(
        self,
        config: TrainConfig | Mapping[str, Any] | str | Path,
        host: Host | None = None,
        *,
        control: Control | None = None,
        resume: bool = False,
        listener: Callable[[Event], None] = lambda event: None,
    ) -> None:
        self.config = _as_config(config)
        self.control = control or Control()
        self._host = host or self._standalone()
        self._resume, self._listener = resume, listener
        self._stack = ExitStack()
        self._known: Survey | None = None
        self._loan: Loan | None = None
        self._run: PreparedRun | None = None
        self._adviser = Adviser(self.config)

    def prepare_data(self) -> DataSet:
        """Check the options, look at the base and all pictures. Raises ConfigError, BaseModelError or DataError."""
        if self._known is None:
            self._known = survey(self.config, self._host)
            self.config = self._known.config
        return self._known.data

    def try_step(self) -> tuple[Probe, Duration | None]:
        """What a few steps take of memory and time, and how long the run will last; None where memory runs out.

        Call it before `build_model`: it borrows the base for itself and leaves no trace.
        """
        from .estimate.duration import duration
        from .estimate.probe import probe

        if self._run is not None:
            raise RuntimeError("try_step() comes before build_model().")
        self.prepare_data()
        known = self._survey()
        found = probe(known, self._host)
        assert found is not None  # nobody stops it
        return found, None if found.ran_out else duration(known, found)

    def build_model(self) -> TrainingModel:
        """Encode pictures and captions, and attach the network to the base."""
        if self._run is None:
            self.prepare_data()
            known = self._survey()
            state, remarks = open_folder(known, self._resume)
            self._record = self._stack.enter_context(open_records(known))
            for remark in remarks:
                self._tell(remark)
            self._adviser = Adviser(self.config)
            self._loan = self._stack.enter_context(self._host.lend())
            self._run = self._told(start(known, self._loan, state))
        return self._run.model

    def train(self) -> Iterator[Event]:
        """Take all steps. The events must be read for the training to go on; a Failed one is never given but raised.

        After a pause, call it again to go on.
        """
        self.build_model()
        if self._run is None or self._loan is None:
            raise RuntimeError("build_model() left nothing to train.")
        for event in advised(self._adviser, run_steps(self._run, self._host, self._loan, self.control)):
            self._tell(event)
            if isinstance(event, Failed):
                raise TrainingError(event.message)
            if isinstance(event, (Finished, Paused)):
                self._run.first_step = event.step
            yield event

    def export_lora_weights(self, path: str | Path | None = None) -> Path:
        """Write the LoRA as it is now, to `path` or to its own place, and return where it is."""
        self.build_model()
        if self._run is None:
            raise RuntimeError("build_model() left nothing to export.")
        saved = self._run.saver.save_lora(self._run.first_step, final=True, path=Path(path) if path else None)
        return Path(saved.path)

    def close(self) -> None:
        """Give the base back."""
        self._run, self._loan = None, None
        self._stack.close()

    def __enter__(self) -> LoRATrainer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _survey(self) -> Survey:
        if self._known is None:
            raise RuntimeError("prepare_data() comes first.")
        return self._known

    def _standalone(self) -> Host:
        from .host.standalone import StandaloneHost

        return StandaloneHost(self.config.base, self.config.memory)

    def _tell(self, event: Event) -> None:
        self._record(event)
        self._listener(event)

    def _told(self, phase: Generator[Event, None, T]) -> T:
        """Run a phase to its end, telling its events."""
        while True:
            try:
                event = next(phase)
            except StopIteration as end:
                return end.value
            for told in advised(self._adviser, iter([event])):
                self._tell(told)


def _as_config(config: TrainConfig | Mapping[str, Any] | str | Path) -> TrainConfig:
    if isinstance(config, TrainConfig):
        return config
    if isinstance(config, Mapping):
        return options.build(options.unflattened(config))
    return options.load(Path(config))
