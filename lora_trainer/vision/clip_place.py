"""The open_clip model that the user has: where it is looked for, what it lacks, and how it comes up."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from ..sentences import Sentence
from .clip_model import CONFIG, architecture_of, is_clip_model, known_architectures, load_clip
from .places import chosen_model

if TYPE_CHECKING:
    from .clip_model import ClipModel


@dataclass(frozen=True)
class ClipPlace:
    """A folder of open_clip models, and which of them is meant: `model` is a file, a folder, or the name of one in it;
    without it the first that is found. `architecture` is open_clip's name, where neither folder nor file tells it."""

    folder: Path
    model: str = ""
    architecture: str = ""

    @property
    def path(self) -> Path | None:
        """The model; None when there is none such."""
        return chosen_model(self.folder, self.model, is_clip_model)

    def missing(self) -> Sentence | None:
        """What it lacks, and where to put it; None when it can be loaded. Quick, and nothing is ever downloaded."""
        architectures = known_architectures()
        if not architectures:
            return Sentence("clip_package", "The package open_clip is missing: pip install open_clip_torch.")
        path = self.path
        if path is None:
            return self._not_there()
        known = self.architecture or (path / CONFIG).is_file() or (path.parent / CONFIG).is_file()
        if known or architecture_of(path, architectures):
            return None
        return Sentence(
            "clip_name",
            "The name of '{file}' does not tell which architecture of open_clip it is: call it like one, "
            "e.g. 'ViT-B-32.safetensors'.",
            file=path.name,
        )

    def load(self, device: str = "auto") -> ClipModel:
        """Bring the model up. Raises UserError when there is none, or when it cannot be used."""
        path = self.path
        if path is None:
            raise UserError(self._not_there())
        return load_clip(path, self.architecture, device)

    def key(self, *asked: Any) -> str:
        """24 hex digits: the same for the same model file and the same plain values beside it."""
        path = self.path
        files = [] if path is None else sorted(path.iterdir()) if path.is_dir() else [path]
        facts = [(str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
        text = json.dumps([facts, self.architecture, *asked])
        return hashlib.sha256(text.encode("utf-8")).hexdigest()[:24]

    def _not_there(self) -> Sentence:
        if self.model:
            return Sentence(
                "clip_model_unfit",
                "'{model}' is not there, or is no open_clip model: a .safetensors, .pt or .bin file, or a folder with "
                "open_clip_config.json in it.",
                model=self.model,
            )
        return Sentence(
            "clip_model_missing",
            "There is no open_clip model yet. Put one into '{folder}': a file that is called like its architecture, "
            "e.g. 'ViT-B-32.safetensors', or a folder with open_clip_config.json.",
            folder=str(self.folder),
        )
