"""Zero-shot tagging with open_clip: of every vocabulary, the tags that are nearest to the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import UserError
from ..sentences import Sentence
from ..vision.clip_model import is_clip_model
from ..vision.clip_place import ClipPlace
from .base import CAPTIONERS, Answer, Settings, Tag
from .places import model_names, place
from .vocabularies import FOLDER, Vocabulary, load_vocabularies

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

    from ..vision.clip_model import ClipModel

CACHE = ".vectors"


@CAPTIONERS.register("clip")
class ClipTagger:
    """Tags of the vocabularies that are shipped and of the user's own, in the order of the vocabularies."""

    name = "clip"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._place = ClipPlace(place(settings, self.name), settings.model, settings.architecture)
        self._model: ClipModel | None = None
        self._asked: list[tuple[Vocabulary, torch.Tensor]] = []

    @property
    def identity(self) -> str:
        return f"{self._place.path} {self._settings} {self._vocabularies()}"

    def models(self) -> list[str]:
        return model_names(self._settings, self.name, is_clip_model)

    def missing(self) -> Sentence | None:
        return self._place.missing()

    def load(self) -> None:
        vocabularies = self._vocabularies()
        if not vocabularies:
            raise UserError(Sentence("vocabularies_empty", "There are no vocabularies with tags in them."))
        self._model = self._place.load(self._settings.device)
        self._asked = [(one, self._vectors(self._model, one)) for one in vocabularies]

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

    def _vocabularies(self) -> list[Vocabulary]:
        return load_vocabularies(self._settings.folder / FOLDER)

    def _best(self, vocabulary: Vocabulary, shares: Sequence[float]) -> list[Tag]:
        """The tags of one vocabulary that a picture gets, the nearest first."""
        asked = self._settings
        least = vocabulary.threshold if asked.threshold is None else asked.threshold
        ranked = sorted(zip(vocabulary.tags, shares), key=lambda pair: -pair[1])[: asked.most or vocabulary.most]
        return [Tag(tag, share, vocabulary.name) for tag, share in ranked if share >= least]

    def _vectors(self, model: ClipModel, vocabulary: Vocabulary) -> torch.Tensor:
        """A unit vector for every tag and for everything in `nothing`: the mean of its texts. Computed once."""
        import torch
        from safetensors import SafetensorError
        from safetensors.torch import load_file, save

        from ..files.atomic import replacing

        prompts = vocabulary.prompts()
        cache = self._settings.folder / CACHE / f"{self._place.key(prompts)}.safetensors"
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
