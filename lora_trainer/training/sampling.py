"""Sample pictures on the way, drawn with the live weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ..config import TrainConfig
from ..data.records import Picture
from ..events import Event, Sample
from ..files.names import step_name
from ..host.base import Conditioning, Loan
from ..sampling.infotext import write_png
from ..sampling.request import Request
from ..text.encode import encode
from ..text.prompt import escape
from ..text.tokens import tokenize_prompts
from ..txt2img import Wording, decode, draw_latents, encode_wording, infotext_of

if TYPE_CHECKING:
    from .model import TrainingModel

MOST_CAPTIONS_AS_PROMPTS = 2


class Sampler:
    """Draws the samples of a run into its folder. Prompts are encoded once where the text encoders are frozen."""

    def __init__(self, config: TrainConfig, loan: Loan, pictures: Sequence[Picture], folder: Path) -> None:
        self._config, self._loan, self._folder = config, loan, folder
        prompts = config.samples.prompts or _prompts_from_captions(pictures)
        self.requests = [
            Request.from_options(prompt, config.samples, config.data.resolution, config.base.clip_skip)
            for prompt in prompts
        ]
        self._wordings: list[Wording] = []

    def encode_prompts(self) -> None:
        """Encode all prompts now, so that the text encoders may leave."""
        self._wordings = [encode_wording(self._loan, request) for request in self.requests]

    def draw(self, model: TrainingModel, step: int, sha256: str) -> Iterator[Event]:
        """Draw all prompts with the weights after `step` steps.

        `sha256` is the LoRA's `sshs_model_hash`, by which a host finds it under the name that it has in the end.
        """
        for number, request in enumerate(self.requests):
            wording = self._wordings[number] if self._wordings else self._live_wording(model, request)
            with torch.no_grad():
                latents = draw_latents(self._loan, model.predict, wording, request)
                (image,) = decode(self._loan, latents)
            path = self._folder / f"step{step:06d}-{number + 1}.png"
            write_png(path, image, infotext_of(request, self._loan, {self._name(step): (1.0, sha256)}))
            yield Sample(step, str(path), request.prompt, request.seed)
        self._loan.release("vae")

    def _live_wording(self, model: TrainingModel, request: Request) -> Wording:
        """Through the text encoders under training."""

        def through_twins(texts: Sequence[str]) -> Conditioning:
            tokens = tokenize_prompts(model.family.name, texts)
            with torch.no_grad():
                return encode(model.family, model.text_encoders, tokens, clip_skip=request.clip_skip)

        return encode_wording(self._loan, request, through_twins)

    def _name(self, step: int) -> str:
        return Path(step_name(self._config.save.name, step)).stem


def _prompts_from_captions(pictures: Sequence[Picture]) -> list[str]:
    """The first captions, taken literally."""
    captions = (picture.caption for picture in pictures if picture.caption and not picture.regularization)
    return [escape(caption) for caption in list(dict.fromkeys(captions))[:MOST_CAPTIONS_AS_PROMPTS]]
