"""A run as its history shows it, whoever began it: a job of the page, or `train` on the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..config import TrainConfig
from ..run_folder import RunFolder
from .facts import Facts, facts_of
from .notes import Notes, read_notes
from .shots import Shot, shots_of


@dataclass(frozen=True)
class Past:
    """What is known of a run at a moment. `created` and `ended` are seconds of the clock, 0 where nobody knows.

    `notes_file` lies where it outlives a run that begins anew. `over`: nothing of it is in use, so that files of it
    may go. `published` are names and paths of LoRA files that are somebody's by now.
    """

    id: str
    name: str
    folder: RunFolder
    config: TrainConfig
    notes_file: Path
    state: str = ""
    created: float = 0.0
    ended: float = 0.0
    step: int = 0
    total_steps: int = 0
    best_step: int = 0
    owner: str = ""
    dataset: str = ""
    origin: Callable[[], str] = str
    """Tells the name of the preset that it came from; asked only when somebody wants to know."""
    message: str = ""
    published: Mapping[str, Any] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    over: bool = True

    @property
    def notes(self) -> Notes:
        return read_notes(self.notes_file)

    @property
    def facts(self) -> Facts:
        return facts_of(self.folder)

    @property
    def preset(self) -> str:
        return self.origin()

    @property
    def trigger_word(self) -> str:
        data = self.config.data
        return data.trigger_word or next((one.trigger_word for one in data.folders if one.trigger_word), "")

    @property
    def base(self) -> str:
        """The base's name; of a run that has not begun, its file's."""
        return self.facts.base or Path(self.config.base.checkpoint).stem

    def environment(self) -> dict[str, Any]:
        """Versions, system, device, host and base, as they were written down."""
        return self.folder.read_environment()

    def shots(self) -> list[Shot]:
        """Its samples and grid cells that are there and that nobody has hidden."""
        return [shot for shot in shots_of(self.folder, self.facts.samples) if shot.file not in self.hidden]
