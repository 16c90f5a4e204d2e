"""An open_clip model of the user's as a judge: it answers all three questions, from one vector for every picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..devices import is_out_of_memory
from ..portions import MAY_RUN_OUT, Portions
from ..sentences import Sentence
from ..vision.clip_place import ClipPlace
from .base import JUDGES, Settings
from .learned import Learned

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

    from ..data.cache import Entry
    from ..vision.clip_model import ClipModel

CACHE = ".vectors"
BATCH = 16
NEAREST = 5
"""A picture is compared with as many of those that were learned from: of a varied set, no one is like all of it."""


@JUDGES.register("clip")
class ClipJudge:
    """Likeness is the mean cosine to the nearest pictures of the data set, whose vectors are computed once."""

    name = "clip"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._place = ClipPlace(settings.folder / self.name, settings.model, settings.architecture)
        self._model: ClipModel | None = None
        self._learned: torch.Tensor | None = None
        self._texts: dict[str, torch.Tensor] = {}

    def missing(self) -> Sentence | None:
        return self._place.missing()

    def load(self, learned: Sequence[Learned], given_up: Callable[[], bool]) -> None:
        import torch

        self._model = self._on_some_device()
        vectors = self._vectors(learned, given_up)
        self._learned = torch.stack(vectors) if vectors else None

    def look(self, pictures: Sequence[Image]) -> list[torch.Tensor]:
        return list(self._clip.pictures(pictures))

    def likeness(self, seen: torch.Tensor) -> float | None:
        if self._learned is None:
            return None
        return _nearest(self._learned @ seen, NEAREST)

    def among_learned(self) -> list[float]:
        if self._learned is None or len(self._learned) < 2:
            return []
        others = (self._learned @ self._learned.T).fill_diagonal_(-math.inf)
        most = min(NEAREST, len(others) - 1)
        return [_nearest(row, most) for row in others]

    def suits(self, seen: torch.Tensor, texts: Sequence[str]) -> list[float]:
        new = [text for text in dict.fromkeys(texts) if text not in self._texts]
        if new:
            self._texts.update(zip(new, self._clip.texts(new)))
        return [float(self._texts[text] @ seen) for text in texts]

    def difference(self, one: torch.Tensor, other: torch.Tensor) -> float:
        return max(0.0, 1 - float(one @ other))

    def close(self) -> None:
        if self._model is not None:
            self._model.close()
        self._model, self._learned, self._texts = None, None, {}

    @property
    def _clip(self) -> ClipModel:
        assert self._model is not None, "load() comes first"
        return self._model

    def _on_some_device(self) -> ClipModel:
        """On the device; on the processor where there is no room beside the base."""
        try:
            return self._place.load(self._settings.device)
        except MAY_RUN_OUT as error:
            if not is_out_of_memory(error):
                raise
        return self._place.load("cpu")

    def _vectors(self, learned: Sequence[Learned], given_up: Callable[[], bool]) -> list[torch.Tensor]:
        """A unit vector for every picture that can be read."""
        from ..data.cache import DiskStore, content_key, fill

        store = DiskStore(self._settings.folder / CACHE / "pictures")
        model = self._place.key()
        keyed = [(content_key("looked at", model=model, picture=one.identity), one) for one in learned if one.identity]
        portions = Portions(self._clip.release)
        for _ in fill(store, keyed, lambda part: self._entries(part, portions), batch_size=BATCH):
            if given_up():
                return []
        entries = [store.get(key) for key, _ in keyed]
        return [entry["vector"] for entry in entries if entry is not None and entry["vector"].numel()]

    def _entries(self, part: Sequence[Learned], portions: Portions) -> list[Entry]:
        """What is kept of each picture: its vector, or an empty one of what cannot be read."""
        import torch

        read = [one.read() for one in part]
        readable = [picture for picture in read if picture is not None]
        parts = portions.map(lambda place: self._clip.pictures(readable[place]), len(readable))
        vectors = iter([vector for vectors in parts for vector in vectors])
        return [{"vector": torch.zeros(0) if picture is None else next(vectors).clone()} for picture in read]


def _nearest(cosines: torch.Tensor, most: int) -> float:
    return float(cosines.topk(min(most, len(cosines))).values.mean())
