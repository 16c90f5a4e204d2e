"""The WebUI's own interrogators as captioners: BLIP for sentences, deepbooru for tags.

The host's lock is held for a batch at a time, in which its models go to the device and back, so that pictures come in
between. The host would fetch a model that it does not have: that is asked for before, and never left to it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import packages
from ...captioning.base import Answer, Settings, Tag
from ...captioning.tags import readable
from ...errors import UserError
from ...sentences import Sentence
from .progress import HostJob

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

JOB = "Train LoRA: captions"
BLIP_FOLDER, BLIP_FILE = "BLIP", "model_base_caption_capfilt_large.pth"
BLIP_SOURCE = "https://storage.googleapis.com/sfr-vision-language-research/BLIP/models/" + BLIP_FILE
BLIP_WORDS = "bert-base-uncased"
"""The tokenizer that the host's BLIP takes from the cache of the Hugging Face hub."""
BOORU_FOLDER, BOORU_FILE = "torch_deepdanbooru", "model-resnet_custom_v3.pt"
BOORU_SOURCE = "https://github.com/AUTOMATIC1111/TorchDeepDanbooru/releases/download/v1/" + BOORU_FILE
BOORU_SIDE = 512


class _Interrogator:
    """What both have in common: one model, the host's, and nothing to choose."""

    name = ""
    folder = file = source = ""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._was_loaded: bool | None = None

    @classmethod
    def is_there(cls) -> bool:
        """Whether this host has it, in the form that is known here; kinds of the WebUI differ."""
        raise NotImplementedError

    @property
    def identity(self) -> str:
        return f"{self.name} {self._settings}"

    def models(self) -> list[str]:
        return []

    def missing(self) -> Sentence | None:
        from modules import paths

        folder = Path(paths.models_path) / self.folder
        if any(folder.rglob(f"*{Path(self.file).suffix}")):
            return None
        return Sentence(
            "interrogator_missing",
            "The WebUI has no model for this yet. Put {source} into '{folder}'.",
            source=self.source,
            folder=str(folder),
        )

    def load(self) -> None:
        """The host's model comes up with the first batch, under the host's lock. Raises UserError as `missing`."""
        if (sentence := self.missing()) is not None:
            raise UserError(sentence)
        self._was_loaded = self._model() is not None

    def caption(self, pictures: Sequence[Image]) -> list[Answer]:
        """Raises UserError when the host's Interrupt was pressed."""
        from modules.call_queue import queue_lock

        with queue_lock, HostJob(JOB) as job, _device_is_free():
            answers = self._answers(pictures)
            job.raise_if_stopped()
        return answers

    def close(self) -> None:
        """Drop a model that was not loaded before."""
        from modules import devices
        from modules.call_queue import queue_lock

        was_loaded, self._was_loaded = self._was_loaded, None
        if was_loaded is False:
            with queue_lock:
                self._drop()
                devices.torch_gc()

    def _model(self) -> Any:
        raise NotImplementedError

    def _drop(self) -> None:
        raise NotImplementedError

    def _answers(self, pictures: Sequence[Image]) -> list[Answer]:
        raise NotImplementedError


class Blip(_Interrogator):
    """A sentence for every picture; its length is the host's setting."""

    name = "blip"
    folder, file, source = BLIP_FOLDER, BLIP_FILE, BLIP_SOURCE

    @classmethod
    def is_there(cls) -> bool:
        from modules import shared

        host = getattr(shared, "interrogator", None)
        used = ("blip_model", "load_blip_model", "generate_caption", "send_blip_to_ram", "running_on_cpu")
        return _has_modules("lowvram") and all(hasattr(host, name) for name in used)

    def missing(self) -> Sentence | None:
        return super().missing() or _words_missing()

    def _model(self) -> Any:
        from modules import shared

        return shared.interrogator.blip_model

    def _drop(self) -> None:
        from modules import shared

        shared.interrogator.blip_model = None
        if _is_forge_s(shared.interrogator):
            shared.interrogator.blip_patcher = None

    def _answers(self, pictures: Sequence[Image]) -> list[Answer]:
        """As the host's `interrogate` does, without the part that asks CLIP for more."""
        from modules import devices, shared

        host = shared.interrogator
        if _is_forge_s(host):
            return self._answers_of_forge(host, pictures)
        dtype = host.dtype
        try:
            if host.blip_model is None:
                model = host.load_blip_model()
                whole = shared.cmd_opts.no_half or host.running_on_cpu
                host.blip_model = model if whole else model.half()
            host.blip_model = host.blip_model.to(devices.device_interrogate)
            host.dtype = next(host.blip_model.parameters()).dtype
            return [str(host.generate_caption(picture)) for picture in pictures]
        finally:
            host.dtype = dtype
            host.send_blip_to_ram()

    def _answers_of_forge(self, host: Any, pictures: Sequence[Image]) -> list[Answer]:
        """Forge brings the model to its device, and sends it away where the memory is wanted."""
        from backend import memory_management
        from backend.patcher.base import ModelPatcher

        if host.blip_model is None:
            host.blip_model = host.load_blip_model().to(device=host.offload_device, dtype=host.dtype)
            places = {"load_device": host.load_device, "offload_device": host.offload_device}
            host.blip_patcher = ModelPatcher(host.blip_model, **places)
        memory_management.load_model_gpu(host.blip_patcher)
        return [str(host.generate_caption(picture)) for picture in pictures]


class Deepbooru(_Interrogator):
    """Tags with scores, the surest first; threshold and filtered tags are the host's settings where none are given."""

    name = "deepbooru"
    folder, file, source = BOORU_FOLDER, BOORU_FILE, BOORU_SOURCE

    @classmethod
    def is_there(cls) -> bool:
        return _has_modules("lowvram", "deepbooru", "images")

    def _model(self) -> Any:
        from modules import deepbooru

        return deepbooru.model.model

    def _drop(self) -> None:
        from modules import deepbooru

        deepbooru.model.model = None

    def _answers(self, pictures: Sequence[Image]) -> list[Answer]:
        from modules import deepbooru

        try:
            deepbooru.model.start()
            return [self._tags(deepbooru.model.model, picture) for picture in pictures]
        finally:
            if deepbooru.model.model is not None:
                deepbooru.model.stop()

    def _tags(self, model: Any, picture: Image) -> tuple[Tag, ...]:
        import torch
        from modules import devices, shared

        with torch.no_grad(), devices.autocast():
            pixels = torch.from_numpy(_square(picture)).to(next(model.parameters()))
            scores = model(pixels)[0].detach().float().cpu().tolist()
        threshold = self._settings.threshold
        least = shared.opts.interrogate_deepbooru_score_threshold if threshold is None else threshold
        unwanted = {tag.strip().replace(" ", "_") for tag in shared.opts.deepbooru_filter_tags.split(",")}
        found = [
            Tag(readable(tag), score)
            for tag, score in zip(model.tags, scores)
            if score >= least and not tag.startswith("rating:") and tag not in unwanted
        ]
        return tuple(sorted(found, key=lambda tag: -tag.score)[: self._settings.most or None])


def _is_forge_s(interrogator: Any) -> bool:
    return hasattr(interrogator, "blip_patcher")


def _has_modules(*names: str) -> bool:
    return all(importlib.util.find_spec(f"modules.{name}") is not None for name in names)


@contextmanager
def _device_is_free() -> Iterator[None]:
    """With --medvram and --lowvram the host's model goes off the device first, as before its own interrogations; its
    next picture fetches it back."""
    from modules import devices, lowvram

    lowvram.send_everything_to_cpu()
    devices.torch_gc()
    try:
        yield
    finally:
        devices.torch_gc()


def _square(picture: Image) -> NDArray[np.float32]:
    """A picture as the host's tagger takes it: (1, 512, 512, 3), 0 to 1, its edges drawn out to fill the square.

    It is scaled before the host does it, which would use the upscaler that is set for other work.
    """
    import numpy as np
    from modules import images
    from PIL import Image

    longest = max(picture.size)
    width, height = (max(1, side * BOORU_SIDE // longest) for side in picture.size)
    fitted = picture.resize((width, height), Image.Resampling.LANCZOS)
    square = images.resize_image(2, fitted, BOORU_SIDE, BOORU_SIDE)
    return np.expand_dims(np.array(square, dtype=np.float32), 0) / np.float32(255)


def _words_missing() -> Sentence | None:
    """What to say when BLIP's tokenizer is not in the hub's cache, from where the host would fetch it."""
    packages.mend_imports()
    from transformers.utils import cached_file

    try:
        cached_file(BLIP_WORDS, "vocab.txt", local_files_only=True)
    except OSError:
        return Sentence(
            "interrogator_words_missing",
            "The WebUI's BLIP needs the tokenizer '{name}', which is not in the cache of the Hugging Face hub, and is "
            "not downloaded from here. Press 'Interrogate CLIP' on img2img once, which lets the WebUI fetch it.",
            name=BLIP_WORDS,
        )
    return None
