"""Sample pictures on the way, drawn with the live weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from .. import optimizers
from ..config import TrainConfig
from ..data.records import Picture
from ..devices import is_out_of_memory, release_memory
from ..errors import DiskError
from ..events import Event, Sample, Warned
from ..families.base import PictureSize
from ..files.names import step_name
from ..host.base import Conditioning, Loan
from ..portions import MAY_RUN_OUT, Portions, once_more
from ..sampling.infotext import write_png
from ..sampling.request import Request
from ..sentences import Sentence
from ..text.encode import encode
from ..text.prompt import escape
from ..text.tokens import tokenize_prompts
from ..txt2img import Wording, decode, draw_latents, encode_wording, infotext_of
from .pace import Passes

if TYPE_CHECKING:
    from PIL import Image

    from .model import TrainingModel

MOST_CAPTIONS_AS_PROMPTS = 2


class Sampler:
    """Draws the samples of a run into its folder. Prompts are encoded once where the text encoders are frozen."""

    def __init__(self, config: TrainConfig, loan: Loan, pictures: Sequence[Picture], folder: Path) -> None:
        self._config, self._loan, self._folder = config, loan, folder
        self.requests = sample_requests(config, pictures)
        self._wordings: list[Wording] = []
        self._portions = Portions(self._release)

    def encode_prompts(self) -> None:
        """Encode all prompts now, so that the text encoders may leave."""
        self._wordings = [
            once_more(partial(encode_wording, self._loan, request), self._release) for request in self.requests
        ]

    def keep_off(self) -> None:
        """Keep what prompts were encoded to off the device."""
        self._wordings = [wording.to(torch.device("cpu")) for wording in self._wordings]

    def draw(self, model: TrainingModel, step: int, sha256: str) -> Iterator[Event]:
        """Draw all prompts with the weights after `step` steps, but for those that memory or disk do not suffice for.

        `sha256` is the LoRA's `sshs_model_hash`, by which a host finds it under the name that it has in the end.
        """
        for number, request in enumerate(self.requests):
            image = self._picture_that_fits(model, number)
            if image is None:
                yield Warned.of(_left_out(request, step), step)
                continue
            path = self._folder / f"step{step:06d}-{number + 1}.png"
            try:
                write_png(path, image, infotext_of(request, self._loan, {self._name(step): (1.0, sha256)}))
            except DiskError as error:  # a picture is not worth the run
                yield Warned.of(_unwritten(error, step), step)
                continue
            yield Sample(step, str(path), request.prompt, request.seed)
        self._loan.release("vae")

    def _picture_that_fits(self, model: TrainingModel, number: int) -> Image.Image | None:
        """The sample of a request, by its number; None when memory does not suffice, at a second try neither."""
        try:
            return once_more(partial(self._picture, model, number), self._release)
        except MAY_RUN_OUT as error:
            if not is_out_of_memory(error):
                raise
        self._release()
        return None

    def _picture(self, model: TrainingModel, number: int) -> Image.Image:
        request = self.requests[number]
        with torch.no_grad(), optimizers.weights_for_use(model.optimizer), model.adapters.evaluating():
            wording = self._wordings[number] if self._wordings else self._live_wording(model, request)
            latents = draw_latents(self._loan, partial(self._predict, model), wording, request)
            (image,) = decode(self._loan, latents)
        return image

    def _predict(
        self,
        model: TrainingModel,
        noisy: torch.Tensor,
        timesteps: torch.Tensor,
        conditioning: Conditioning,
        sizes: Sequence[PictureSize],
    ) -> torch.Tensor:
        """The model's prediction, by rows where they do not fit together."""
        predict = model.predict
        predicted = self._portions.map(
            lambda rows: predict(noisy[rows], timesteps[rows], conditioning[rows], sizes[rows]), len(noisy)
        )
        return predicted[0] if len(predicted) == 1 else torch.cat(predicted)

    def _release(self) -> None:
        self._loan.release("vae")
        release_memory(self._loan.device)

    def _live_wording(self, model: TrainingModel, request: Request) -> Wording:
        """Through the text encoders under training."""

        def through_twins(texts: Sequence[str]) -> Conditioning:
            tokens = tokenize_prompts(model.family.name, texts)
            with torch.no_grad():
                return encode(model.family, model.text_encoders, tokens, clip_skip=request.clip_skip)

        return encode_wording(self._loan, request, through_twins)

    def _name(self, step: int) -> str:
        return Path(step_name(self._config.save.name, step)).stem


def sample_requests(config: TrainConfig, pictures: Sequence[Picture]) -> list[Request]:
    """What is drawn in every round of samples."""
    prompts = config.samples.prompts or _prompts_from_captions(pictures)
    return [
        Request.from_options(prompt, config.samples, config.data.resolution, config.base.clip_skip)
        for prompt in prompts
    ]


def passes_of_samples(requests: Sequence[Request]) -> tuple[Passes, int]:
    """What goes through the model in one round of samples, and how many pixels are decoded."""
    pixels = decoded = 0
    for request in requests:
        area = request.width * request.height
        pixels += request.steps * area * (1 if request.guidance == 1 else 2)
        decoded += area
    return Passes(sum(request.steps for request in requests), pixels), decoded


def _unwritten(error: DiskError, step: int) -> Sentence:
    sentence = "A sample after step {step} was left out. {problem}"
    return Sentence("sample_unwritten", sentence, step=step, problem=error.sentence)


def _left_out(request: Request, step: int) -> Sentence:
    return Sentence(
        "memory_sample",
        "The sample of {width} x {height} after step {step} was left out: memory does not suffice for it. "
        "Set a smaller samples.width and samples.height.",
        width=request.width,
        height=request.height,
        step=step,
    )


def _prompts_from_captions(pictures: Sequence[Picture]) -> list[str]:
    """The first captions, taken literally."""
    captions = (picture.caption for picture in pictures if picture.caption and not picture.regularization)
    return [escape(caption) for caption in list(dict.fromkeys(captions))[:MOST_CAPTIONS_AS_PROMPTS]]
