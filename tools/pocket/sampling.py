"""Draws pictures with pocket's networks: deterministic DDIM as the WebUI has it, with classifier-free guidance."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PIL import Image
from torch import nn

from tools.pocket.diffusion import ALPHAS
from tools.pocket.vocabulary import compact, tokenize


class Pocket:
    """The three networks, and how to draw with them."""

    def __init__(
        self, unet: nn.Module, text: nn.Module, vae: nn.Module, scale: float, compact_rows: bool = True
    ) -> None:
        self.unet, self.text, self.vae, self.scale, self.compact_rows = unet, text, vae, scale, compact_rows

    @torch.no_grad()
    def encode(self, prompts: Sequence[str]) -> torch.Tensor:
        """Conditioning (prompts, 77, width): the text encoder's last hidden states after its final norm."""
        ids = torch.tensor([tokenize(prompt) for prompt in prompts])
        return self.text(input_ids=compact(ids) if self.compact_rows else ids).last_hidden_state

    @torch.no_grad()
    def draw(
        self, prompts: Sequence[str], seed: int, steps: int = 25, guidance: float = 4.0, batch: int = 50
    ) -> list[Image.Image]:
        """One picture per prompt; prompt i starts from the noise of seed + i."""
        images: list[Image.Image] = []
        for start in range(0, len(prompts), batch):
            part = prompts[start : start + batch]
            seeds = [seed + start + i for i in range(len(part))]
            noise = torch.stack([torch.randn(4, 8, 8, generator=torch.Generator().manual_seed(s)) for s in seeds])
            images += self.decode(self._denoise(noise, self.encode(part), steps, guidance))
        return images

    def _denoise(self, latents: torch.Tensor, conditioning: torch.Tensor, steps: int, guidance: float) -> torch.Tensor:
        both = torch.cat([self.encode([""]).expand_as(conditioning), conditioning])
        times = list(range(1, 1000, 1000 // steps))[:steps]
        for i in reversed(range(steps)):
            predicted = self.unet(torch.cat([latents, latents]), times[i], both).sample
            without, with_text = predicted.chunk(2)
            noise = without + guidance * (with_text - without)
            now = ALPHAS[times[i]]
            then = ALPHAS[times[i - 1]] if i else ALPHAS[0]
            clean = (latents - (1 - now).sqrt() * noise) / now.sqrt()
            latents = then.sqrt() * clean + (1 - then).sqrt() * noise
        return latents

    def decode(self, latents: torch.Tensor) -> list[Image.Image]:
        """Pictures of scaled latents."""
        decoded = self.vae.decode(latents / self.scale).sample
        pixels = ((decoded.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
        return [Image.fromarray(picture) for picture in pixels]


def grid(images: Sequence[Image.Image], columns: int, zoom: int = 2) -> Image.Image:
    """A contact sheet."""
    side = images[0].width * zoom + 2
    sheet = Image.new("RGB", (side * columns, side * -(-len(images) // columns)), (90, 90, 90))
    for i, image in enumerate(images):
        enlarged = image.resize((image.width * zoom,) * 2, Image.Resampling.NEAREST)
        sheet.paste(enlarged, (i % columns * side, i // columns * side))
    return sheet
