"""WebUIHost: AUTOMATIC1111's WebUI as the holder of the base. It lends the checkpoint that is loaded, in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...config import TrainConfig
from ...events import Event, Started, Step
from ..base import BaseInfo, Card, Published, Studio

if TYPE_CHECKING:
    from ...captioning.base import Build
    from .custody import Custody
    from .loan import WebUILoan
    from .turns import Turns

DATA_FOLDER = ".train-lora"
"""Under the host's data path. It serves files there to everybody, except in folders whose name begins with a dot."""


@dataclass
class _Lent:
    turns: Turns
    custody: Custody
    loan: WebUILoan


class WebUIHost:
    """Lends the WebUI's model to one run at a time. Nothing of the host is imported before a method needs it.

    `gives_way` may be switched at any time; off, only short users of the host's lock get their turn.
    `on_interrupt` is what the host's Interrupt button means while a run has the model.
    """

    kind = "webui"

    def __init__(self) -> None:
        self.gives_way = True
        self.on_interrupt: Callable[[], None] | None = None
        self._lent: _Lent | None = None
        self._total_steps = 0

    def describe(self) -> BaseInfo:
        """The checkpoint that is selected in the WebUI. Raises BaseModelError when it cannot be trained on."""
        from .selection import describe

        return describe()

    @property
    def device(self) -> str:
        """That of the WebUI."""
        from modules import devices

        return str(devices.device)

    def elsewhere(self, config: TrainConfig) -> TrainConfig | None:
        """With the WebUI's VAE; None for a checkpoint that is no file."""
        from .settling import settled_elsewhere

        return settled_elsewhere(config)

    def settle(self, config: TrainConfig) -> TrainConfig:
        """`config` with what the WebUI decides: base, VAE, device and number format.

        Raises BaseAway when `config` names another checkpoint of the WebUI's than the selected one.
        """
        from .settling import settle

        return settle(config, self.describe())

    @contextmanager
    def lend(self) -> Iterator[WebUILoan]:
        """The loaded model, under the host's lock, which is handed over whenever `give_way` finds somebody waiting.

        Raises BaseModelError when there is no model to be had.
        """
        from modules.call_queue import queue_lock

        from .custody import Custody
        from .loan import WebUILoan
        from .turns import Turns

        turns, custody = Turns(queue_lock), Custody(self._interrupted)
        turns.take()
        try:
            custody.take()
            loan = WebUILoan(custody, self.give_way)
            self._lent = _Lent(turns, custody, loan)
            yield loan
        finally:
            lent, self._lent = self._lent, None
            if lent is not None:
                lent.loan.close()
            custody.give_back()
            turns.leave()

    def give_way(self) -> bool:
        """Before a micro-batch: let whoever waits have the model, and have it back; True when it was away.

        Raises BaseAway when another checkpoint was selected meanwhile.
        """
        lent = self._lent
        if lent is None:
            return False
        lent.custody.heed_interrupts()
        short_only = not self.gives_way
        if lent.turns.wanted(by_short_users_only=short_only):
            lent.custody.give_back()
            with lent.loan.aside():
                lent.turns.hand_over(to_short_users_only=short_only)
            lent.custody.take()
        elif lent.custody.moved:
            lent.custody.restore()
        else:
            return False
        lent.loan.refill()
        return True

    @property
    def pictures_waiting(self) -> int:
        """How many pictures wait for their turn, by whatever is being done."""
        from modules import progress

        return len(progress.pending_tasks)

    @property
    def drawing(self) -> bool:
        """Whether a picture, or anything else that shows its progress, is being made."""
        from modules import shared

        return bool(shared.state.job)

    def watch(self, event: Event | None) -> None:
        """Let the host's progress bars and its API show how far the run is."""
        lent = self._lent
        if isinstance(event, Started):
            self._total_steps = event.total_steps
        if isinstance(event, (Started, Step)) and lent is not None:
            step = event.step if isinstance(event, Step) else event.first_step
            lent.custody.job.report(step, self._total_steps)

    def studio(self, files: Sequence[Path]) -> AbstractContextManager[Studio]:
        from .studio import WebUIStudio

        return WebUIStudio(files)

    def captioners(self) -> Mapping[str, Build]:
        """BLIP and deepbooru, as the WebUI's own buttons use them, where it has them."""
        from .interrogators import Blip, Deepbooru

        return {kind.name: kind for kind in (Blip, Deepbooru) if kind.is_there()}

    def lora_folder(self) -> Path:
        from .publishing import lora_folder

        return lora_folder()

    def model_folders(self) -> list[Path]:
        """The WebUI's folder of models, those in it (they may be links), and those that its flags name."""
        from modules import paths, shared

        models = Path(paths.models_path)
        flags = ("ckpt_dir", "vae_dir", "lora_dir", "embeddings_dir", "hypernetwork_dir")
        named = [getattr(shared.cmd_opts, flag, None) for flag in flags]
        return [models, *filter(Path.is_dir, models.glob("*")), *(Path(folder) for folder in named if folder)]

    def data_folder(self) -> Path:
        from modules import paths

        return Path(paths.data_path) / DATA_FOLDER

    def publish(self, file: Path, card: Card, *, replace: bool = False) -> Published:
        from .publishing import publish

        return publish(file, card, replace=replace)

    def _interrupted(self) -> None:
        if self.on_interrupt is not None:
            self.on_interrupt()
