"""Which save, which strength? The same pictures drawn with every LoRA file at every strength, on one sheet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from .config import SampleOptions
from .errors import ConfigError
from .families.base import FAMILIES, Family, PictureSize
from .files.hashes import MODEL_HASH
from .files.lora import LoraFile
from .files.read import read_lora
from .host.base import Conditioning, Host, Loan
from .sampling.grid import compose_grid
from .sampling.infotext import Infotext
from .sampling.request import Request
from .text.encode import encode
from .text.tokens import tokenize_prompts
from .txt2img import Wording, decode, draw_latents, encode_wording, infotext_of

if TYPE_CHECKING:
    from PIL import Image
    from torch import nn

    from .networks.adapters import Adapters


LEAST_CELL = 128
"""Pixels of the longer side below which a cell is enlarged."""


@dataclass(frozen=True)
class GridRequest:
    """What is drawn: every file at every strength, for every prompt and seed."""

    files: Sequence[Path]
    prompts: Sequence[str]
    strengths: Sequence[float]
    seeds: Sequence[int]
    options: SampleOptions
    resolution: int = 0
    clip_skip: int = 1

    def check(self) -> None:
        """Raise ConfigError with everything that is missing."""
        problems = []
        for values, what in (
            (self.files, "LoRA file"),
            (self.prompts, "prompt"),
            (self.strengths, "strength"),
            (self.seeds, "seed"),
        ):
            if not values:
                problems.append(f"Name at least one {what}.")
        problems += [f"There is no LoRA file {file}. Check the path." for file in self.files if not file.is_file()]
        stems = [file.stem for file in self.files]
        problems += [
            f"Two files are called '{stem}': rename one." for stem in sorted(set(stems)) if stems.count(stem) > 1
        ]
        if problems:
            raise ConfigError(problems)


@dataclass(frozen=True)
class Cell:
    """One picture of the grid. `prompt` and `seed` are numbers in the request's lists."""

    file: Path
    strength: float
    prompt: int
    seed: int
    image: Image.Image
    infotext: Infotext

    @property
    def name(self) -> str:
        """File name: stem, strength, number of the prompt (from 1) and seed."""
        return f"{self.file.stem}_s{self.strength:g}_p{self.prompt + 1}_{self.seed}.png"


def draw_cells(host: Host, request: GridRequest) -> Iterator[Cell]:
    """All cells, file by file, strength by strength. Raises ConfigError, UserError or FileFormatError."""
    request.check()
    files = [read_lora(file) for file in request.files]
    for file in files:
        file.require_plain("draw with")
    with host.lend() as loan:
        painter = Painter(loan, request)
        for file in files:
            yield from painter.cells(file)


def total_cells(request: GridRequest) -> int:
    return len(request.files) * len(request.strengths) * len(request.prompts) * len(request.seeds)


class Painter:
    """Draws cells with the parts of one loan."""

    def __init__(self, loan: Loan, request: GridRequest) -> None:
        self._loan, self._request = loan, request
        self._family: Family = FAMILIES.get(loan.info.family)
        self._unet: nn.Module = loan.unet()
        self._encoders: list[nn.Module] = loan.text_encoders()

    def cells(self, file: LoraFile) -> Iterator[Cell]:
        """All cells of one file; its adapters are off the base again afterwards."""
        from .networks.adapters import attach_modules

        adapters = attach_modules(self._family, self._unet, self._encoders, file.modules, str(file.path))
        try:
            for strength in self._request.strengths:
                adapters.set_strength(strength)
                yield from self._cells_at(file, adapters, strength)
        finally:
            adapters.detach()

    def _cells_at(self, file: LoraFile, adapters: Adapters, strength: float) -> Iterator[Cell]:
        resolution = self._request.resolution or self._loan.info.native_resolution
        for number, prompt in enumerate(self._request.prompts):
            request = Request.from_options(prompt, self._request.options, resolution, self._request.clip_skip)
            wording = encode_wording(self._loan, request, self._encode)
            for seed in self._request.seeds:
                one = replace(request, seed=seed)
                image = self._draw(one, wording)
                used = {file.path.stem: (strength, file.metadata.get(MODEL_HASH, ""))} if strength else {}
                yield Cell(file.path, strength, number, seed, image, infotext_of(one, self._loan, used))

    def _encode(self, texts: Sequence[str]) -> Conditioning:
        tokens = tokenize_prompts(self._family.name, texts)
        with torch.no_grad():
            return encode(self._family, self._encoders, tokens, clip_skip=self._request.clip_skip)

    def _draw(self, request: Request, wording: Wording) -> Image.Image:
        with torch.no_grad():
            latents = draw_latents(self._loan, self._predict, wording, request)
            return decode(self._loan, latents)[0]

    def _predict(
        self, noisy: torch.Tensor, timesteps: torch.Tensor, conditioning: Conditioning, sizes: Sequence[PictureSize]
    ) -> torch.Tensor:
        inputs: dict[str, Any] = self._family.unet_inputs(conditioning.to(self._loan.device, self._loan.dtype), sizes)
        return self._unet(noisy.to(self._loan.dtype), timesteps, return_dict=False, **inputs)[0]


def sheet(cells: Sequence[Cell], request: GridRequest) -> Image.Image:
    """All cells on one picture: a column for each strength, a row for each file, prompt and seed."""
    by_place = {(cell.file, cell.strength, cell.prompt, cell.seed): cell.image for cell in cells}
    rows = [(p, file, seed) for p in range(len(request.prompts)) for file in request.files for seed in request.seeds]
    images = [
        [_large_enough(by_place[(file, strength, p, seed)]) for strength in request.strengths] for p, file, seed in rows
    ]
    labels = [_row_label(request, p, file, seed) for p, file, seed in rows]
    return compose_grid(images, [f"{strength:g}" for strength in request.strengths], labels)


def _large_enough(image: Image.Image) -> Image.Image:
    """Small pictures enlarged by a whole factor, so that their labels fit and details can be seen."""
    factor = max(1, LEAST_CELL // max(image.size))
    return image.resize((image.width * factor, image.height * factor)) if factor > 1 else image


def _row_label(request: GridRequest, prompt: int, file: Path, seed: int) -> str:
    """Only what differs between rows."""
    parts = [file.stem]
    parts += [request.prompts[prompt]] if len(request.prompts) > 1 else []
    parts += [f"seed {seed}"] if len(request.seeds) > 1 else []
    return "\n".join(parts)
