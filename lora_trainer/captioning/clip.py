"""Zero-shot tagging with open_clip: of every vocabulary, the tags that are nearest to the picture."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from ..sentences import Sentence
from .base import CAPTIONERS, Answer, Settings, Tag
from .clip_model import CONFIG, ClipModel, architecture_of, is_clip_model, known_architectures, load_clip
from .places import chosen_model, model_names, place
from .vocabularies import FOLDER, Vocabulary, load_vocabularies

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

CACHE = ".vectors"


@CAPTIONERS.register("clip")
class ClipTagger:
    """Tags of the vocabularies that are shipped and of the user's own, in the order of the vocabularies."""

    name = "clip"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._model: ClipModel | None = None
        self._asked: list[tuple[Vocabulary, torch.Tensor]] = []

    @property
    def identity(self) -> str:
        return f"{self._path()} {self._settings} {self._vocabularies()}"

    def models(self) -> list[str]:
        return model_names(self._settings, self.name, is_clip_model)

    def missing(self) -> Sentence | None:
        architectures = known_architectures()
        if not architectures:
            return Sentence("clip_package", "The package open_clip is missing: pip install open_clip_torch.")
        path = self._path()
        if path is None:
            return self._model_missing()
        known = self._settings.architecture or (path / CONFIG).is_file() or (path.parent / CONFIG).is_file()
        if known or architecture_of(path, architectures):
            return None
        return Sentence(
            "clip_name",
            "The name of '{file}' does not tell which architecture of open_clip it is: call it like one, "
            "e.g. 'ViT-B-32.safetensors'.",
            file=path.name,
        )

    def load(self) -> None:
        path = self._path()
        if path is None:
            raise UserError(self._model_missing())
        vocabularies = self._vocabularies()
        if not vocabularies:
            raise UserError(Sentence("vocabularies_empty", "There are no vocabularies with tags in them."))
        self._model = load_clip(path, self._settings.architecture, self._settings.device)
        self._asked = [(one, self._vectors(self._model, path, one)) for one in vocabularies]

    def caption(self, pictures: Sequence[Image]) -> list[Answer]:
        model = self._model
        assert model is not None, "load() comes first"
        vectors = model.pictures(pictures)
        shares = [(model.scale * vectors @ asked.T).softmax(dim=-1).tolist() for _, asked in self._asked]
        return [
            tuple(tag for (one, _), rows in zip(self._asked, shares) for tag in self._best(one, rows[number]))
            for number in range(len(pictures))
        ]

    def close(self) -> None:
        if self._model is not None:
            self._model.close()
        self._model, self._asked = None, []

    def _path(self) -> Path | None:
        return chosen_model(self._settings, self.name, is_clip_model)

    def _model_missing(self) -> Sentence:
        folder = str(place(self._settings, self.name))
        if self._settings.model:
            return Sentence(
                "clip_model_unfit",
                "'{model}' is not there, or is no open_clip model: a .safetensors, .pt or .bin file, or a folder with "
                "open_clip_config.json in it.",
                model=self._settings.model,
            )
        return Sentence(
            "clip_model_missing",
            "There is no open_clip model yet. Put one into '{folder}': a file that is called like its architecture, "
            "e.g. 'ViT-B-32.safetensors', or a folder with open_clip_config.json.",
            folder=folder,
        )

    def _vocabularies(self) -> list[Vocabulary]:
        return load_vocabularies(self._settings.folder / FOLDER)

    def _best(self, vocabulary: Vocabulary, shares: Sequence[float]) -> list[Tag]:
        """The tags of one vocabulary that a picture gets, the nearest first."""
        asked = self._settings
        least = vocabulary.threshold if asked.threshold is None else asked.threshold
        ranked = sorted(zip(vocabulary.tags, shares), key=lambda pair: -pair[1])[: asked.most or vocabulary.most]
        return [Tag(tag, share, vocabulary.name) for tag, share in ranked if share >= least]

    def _vectors(self, model: ClipModel, path: Path, vocabulary: Vocabulary) -> torch.Tensor:
        """A unit vector for every tag and for everything in `nothing`: the mean of its texts. Computed once."""
        import torch
        from safetensors import SafetensorError
        from safetensors.torch import load_file, save

        from ..files.atomic import replacing

        prompts = vocabulary.prompts()
        cache = self._settings.folder / CACHE / f"{_key(path, self._settings.architecture, prompts)}.safetensors"
        try:
            return load_file(str(cache))["vectors"]
        except (OSError, SafetensorError, KeyError):
            pass
        texts = model.texts([text for texts in prompts for text in texts])
        means = [part.mean(dim=0) for part in texts.split([len(texts) for texts in prompts])]
        vectors = torch.nn.functional.normalize(torch.stack(means), dim=-1)
        with replacing(cache, durable=False) as file:
            file.write(save({"vectors": vectors}))
        return vectors


def _key(path: Path, architecture: str, prompts: Sequence[Sequence[str]]) -> str:
    """The same for the same model file and the same texts."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    facts = [(str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return hashlib.sha256(json.dumps([facts, architecture, prompts]).encode("utf-8")).hexdigest()[:24]
