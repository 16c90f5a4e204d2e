"""Taggers in the manner of WD14: an .onnx file with its selected_tags.csv, run by onnxruntime."""

from __future__ import annotations

import csv
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..data.text_files import read_text
from ..errors import FileFormatError, UserError
from ..sentences import Sentence
from .base import CAPTIONERS, Answer, Settings, Tag
from .places import chosen_model, model_names, place
from .tags import readable

if TYPE_CHECKING:
    from PIL.Image import Image

TABLE = "selected_tags.csv"
GENERAL, CHARACTER = 0, 4
"""Categories of the table. Others (9 is the rating) do not describe the picture and are left out."""
THRESHOLDS = {GENERAL: 0.35, CHARACTER: 0.85}
GROUPS = {GENERAL: "general", CHARACTER: "character"}
USUAL_SIDE = 448


@dataclass(frozen=True)
class Label:
    """What one output of the model stands for."""

    tag: str
    category: int


@CAPTIONERS.register("wd14")
class Wd14Tagger:
    """Characters first, then general tags, each kind from the surest on."""

    name = "wd14"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session: Any = None
        self._labels: list[Label] = []

    @property
    def identity(self) -> str:
        return f"{self._path()} {self._settings}"

    def models(self) -> list[str]:
        return model_names(self._settings, self.name, is_tagger)

    def missing(self) -> Sentence | None:
        if importlib.util.find_spec("onnxruntime") is None:
            return Sentence(
                "wd14_runtime",
                "The package onnxruntime is missing. Install it into the Python that runs this: "
                '"{python}" -m pip install onnxruntime',
                python=sys.executable,
            )
        return None if self._path() is not None else self._model_missing()

    def load(self) -> None:
        if (sentence := self.missing()) is not None:
            raise UserError(sentence)
        path = self._path()
        assert path is not None
        file = _network(path)
        self._labels = read_labels(file.with_name(TABLE))
        self._session = _session(file)

    def caption(self, pictures: Sequence[Image]) -> list[Answer]:
        given = self._session.get_inputs()[0]
        side = side_of(given.shape)
        pixels = np.stack([as_input(picture, side) for picture in pictures])
        one_by_one = given.shape[0] == 1
        parts = [pixels[n : n + 1] for n in range(len(pixels))] if one_by_one else [pixels]
        scores = np.concatenate([self._session.run(None, {given.name: part})[0] for part in parts])
        if scores.shape[1] != len(self._labels):
            raise FileFormatError(
                Sentence(
                    "wd14_labels",
                    "The tagger's model knows {outputs} tags and its selected_tags.csv {labels}: they do not belong "
                    "together.",
                    outputs=scores.shape[1],
                    labels=len(self._labels),
                )
            )
        return [self._tags(row) for row in scores]

    def close(self) -> None:
        self._session, self._labels = None, []

    def _path(self) -> Path | None:
        return chosen_model(self._settings, self.name, is_tagger)

    def _model_missing(self) -> Sentence:
        if self._settings.model:
            return Sentence(
                "wd14_model_unfit",
                "'{model}' is no folder with a tagger's .onnx file and its selected_tags.csv.",
                model=self._settings.model,
            )
        return Sentence(
            "wd14_model_missing",
            "There is no tagger yet. Put a folder with its .onnx file and its selected_tags.csv into '{folder}'.",
            folder=str(place(self._settings, self.name)),
        )

    def _tags(self, scores: NDArray[np.float32]) -> tuple[Tag, ...]:
        asked = self._settings
        given = {GENERAL: asked.threshold, CHARACTER: asked.character_threshold}
        least = {kind: own if given[kind] is None else given[kind] for kind, own in THRESHOLDS.items()}
        tags = [
            Tag(readable(label.tag), float(score), GROUPS[label.category])
            for label, score in zip(self._labels, scores)
            if label.category in least and score >= least[label.category]
        ]
        ranked = sorted(tags, key=lambda tag: (tag.group != GROUPS[CHARACTER], -tag.score))
        return tuple(ranked[: asked.most or None])


def is_tagger(path: Path) -> bool:
    """Whether a folder, or an .onnx file with its table beside it, is a tagger."""
    if path.is_dir():
        return (path / TABLE).is_file() and any(path.glob("*.onnx"))
    return path.suffix == ".onnx" and path.with_name(TABLE).is_file()


def read_labels(table: Path) -> list[Label]:
    """The rows of selected_tags.csv, in the order of the model's outputs. Raises FileFormatError."""
    try:
        rows = csv.DictReader(read_text(table).splitlines())
        return [Label(row["name"], int(row["category"])) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise FileFormatError(
            Sentence(
                "wd14_table", "'{file}' is no table of a tagger's tags ({reason}).", file=str(table), reason=str(error)
            )
        ) from error


def side_of(shape: Sequence[Any]) -> int:
    """The side of the squares that the model takes, from the shape of its input (n, side, side, 3).

    Raises FileFormatError for a model with another layout.
    """
    if len(shape) != 4 or (isinstance(shape[3], int) and shape[3] != 3):
        raise FileFormatError(
            Sentence(
                "wd14_layout",
                "The tagger's model takes pictures of the shape {shape}, but (n, side, side, 3) is expected.",
                shape=list(shape),
            )
        )
    return shape[1] if isinstance(shape[1], int) else USUAL_SIDE


def as_input(picture: Image, side: int) -> NDArray[np.float32]:
    """An RGB picture as (side, side, 3): in the middle of a white square, blue first, 0 to 255."""
    from PIL import Image

    longest = max(picture.size)
    square = Image.new("RGB", (longest, longest), (255, 255, 255))
    square.paste(picture, ((longest - picture.width) // 2, (longest - picture.height) // 2))
    if longest != side:
        square = square.resize((side, side), Image.Resampling.BICUBIC)
    return np.ascontiguousarray(np.asarray(square, dtype=np.float32)[:, :, ::-1])


def _network(path: Path) -> Path:
    """The .onnx file itself: model.onnx, or the first by name."""
    files = sorted(path.glob("*.onnx"), key=lambda file: (file.name != "model.onnx", file.name))
    return files[0] if files else path


def _session(file: Path) -> Any:
    """Raises FileFormatError when onnxruntime cannot use the file."""
    import onnxruntime

    try:
        return onnxruntime.InferenceSession(str(file), providers=onnxruntime.get_available_providers())
    except Exception as error:  # its errors have no base of their own
        raise FileFormatError(
            Sentence("wd14_model", "onnxruntime cannot use '{file}': {reason}", file=str(file), reason=str(error))
        ) from error
