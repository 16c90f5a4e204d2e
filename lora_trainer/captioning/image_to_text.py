"""Sentences from any image-to-text model of transformers that lies in a local folder: BLIP, GIT, ViT-GPT2 ..."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import devices, packages
from ..errors import FileFormatError, UserError
from ..files.pickled import load_pickled
from ..sentences import Sentence
from .base import CAPTIONERS, Answer, Settings
from .places import chosen_model, model_names, place

if TYPE_CHECKING:
    from PIL.Image import Image

CONFIG = "config.json"
LONGEST, BEAMS = 75, 3
"""Tokens of a sentence, as many as fit into one chunk of a prompt; and how many sentences are weighed at a time."""
_ERRORS = (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, AttributeError)
"""What transformers is known to raise on folders that lack something."""


@CAPTIONERS.register("transformers")
class ImageToText:
    """A sentence for every picture. `Settings.prompt` is its beginning, for models that go on from one."""

    name = "transformers"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._model: Any = None
        self._reader: _Reader | None = None

    @property
    def identity(self) -> str:
        return f"{self._path()} {self._settings}"

    def models(self) -> list[str]:
        return model_names(self._settings, self.name, is_model_folder)

    def missing(self) -> Sentence | None:
        if self._path() is not None:
            return None
        if self._settings.model:
            return Sentence(
                "transformers_model_unfit",
                "'{model}' is no folder of a transformers model: there is no config.json in it.",
                model=self._settings.model,
            )
        return Sentence(
            "transformers_model_missing",
            "There is no image-to-text model yet. Put the folder of one of transformers (BLIP, GIT ...), with "
            "config.json, weights and tokenizer, into '{folder}'.",
            folder=str(place(self._settings, self.name)),
        )

    def load(self) -> None:
        if (sentence := self.missing()) is not None:
            raise UserError(sentence)
        folder = self._path()
        assert folder is not None
        packages.mend_imports()
        kind = _class_of(folder)
        _require_plain_weights(folder)
        try:
            self._model = kind.from_pretrained(str(folder), local_files_only=True).eval().requires_grad_(False)
            self._reader = _Reader(folder)
        except _ERRORS as error:
            raise FileFormatError(
                Sentence(
                    "transformers_unread",
                    "The model in '{folder}' cannot be loaded: {reason}",
                    folder=str(folder),
                    reason=" ".join(str(error).split())[:300],
                )
            ) from error
        self._model.to(devices.choose(self._settings.device))

    def caption(self, pictures: Sequence[Image]) -> list[Answer]:
        import torch

        assert self._reader is not None, "load() comes first"
        inputs = self._reader.inputs(pictures, self._settings.prompt)
        if "pixel_values" not in inputs:
            raise FileFormatError(Sentence("transformers_blind", "The chosen model of transformers sees no pictures."))
        device = self._model.device
        moved = {name: value.to(device) for name, value in inputs.items()}
        with torch.inference_mode():
            longest = min(LONGEST, _positions(self._model.config) // 2)
            tokens = self._model.generate(**moved, max_new_tokens=longest, num_beams=BEAMS, do_sample=False)
        return [" ".join(text.split()) for text in self._reader.texts(tokens)]

    def close(self) -> None:
        if self._model is not None:
            device, self._model, self._reader = self._model.device, None, None
            devices.release_memory(device)

    def _path(self) -> Path | None:
        return chosen_model(self._settings, self.name, is_model_folder)


class _Reader:
    """A model's own preprocessing and tokenizer."""

    def __init__(self, folder: Path) -> None:
        import transformers

        self._processor: Any = transformers.AutoProcessor.from_pretrained(str(folder), local_files_only=True)
        self._tokenizer: Any = getattr(self._processor, "tokenizer", None)
        if self._tokenizer is None:  # a pair of models has two, and this is but one of them
            self._processor = transformers.AutoImageProcessor.from_pretrained(str(folder), local_files_only=True)
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder), local_files_only=True)

    def inputs(self, pictures: Sequence[Image], prompt: str) -> dict[str, Any]:
        images = list(pictures)
        if prompt and getattr(self._processor, "tokenizer", None) is not None:
            return dict(self._processor(images=images, text=[prompt] * len(images), return_tensors="pt"))
        return dict(self._processor(images=images, return_tensors="pt"))

    def texts(self, tokens: Any) -> list[str]:
        return self._tokenizer.batch_decode(tokens, skip_special_tokens=True)


def is_model_folder(path: Path) -> bool:
    return (path / CONFIG).is_file()


def _class_of(folder: Path) -> Any:
    """The class that wrote the folder. Raises FileFormatError for code of others, and for what this version lacks."""
    import transformers

    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        names = config.get("architectures") or []
    except (OSError, ValueError, AttributeError) as error:
        raise FileFormatError(
            Sentence(
                "transformers_config",
                "'{file}' cannot be read ({reason}).",
                file=str(folder / CONFIG),
                reason=str(error),
            )
        ) from error
    name = names[0] if names else ""
    kind = getattr(transformers, name, None) if name.isidentifier() else None
    if kind is None or not hasattr(kind, "generate"):
        raise FileFormatError(
            Sentence(
                "transformers_class",
                "The model in '{folder}' ({name}) is none that transformers {version} can make text with. Code that "
                "comes with a model is not run.",
                folder=str(folder),
                name=name or config.get("model_type", "?"),
                version=transformers.__version__,
            )
        )
    return kind


def _positions(config: Any) -> int:
    """How many tokens the part of the model that writes can tell apart; twice LONGEST where it does not say."""
    writers = [config, *(getattr(config, name, None) for name in ("text_config", "decoder"))]
    names = ("max_position_embeddings", "n_positions")
    found = [getattr(writer, name, None) for writer in writers for name in names]
    return min((number for number in found if number), default=2 * LONGEST)


def _require_plain_weights(folder: Path) -> None:
    """Raise FileFormatError for pickles that hold more than weights: older versions of transformers would run them."""
    if not any(folder.glob("*.safetensors")):
        for file in folder.glob("*.bin"):
            load_pickled(file, mapped=True)
