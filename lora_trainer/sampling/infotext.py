"""The WebUI's infotext: what a picture was drawn with, in the words that txt2img reads back (A1111 v1.10)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from ..files.atomic import replacing
from .request import Request
from .samplers import SAMPLERS

if TYPE_CHECKING:
    from PIL import Image

NEGATIVE = "Negative prompt:"
_HEADING = re.compile(r"^(\s*Negative prompt):", re.MULTILINE)
PARAMETERS = "parameters"
"""Name of the text in a PNG file."""


@dataclass(frozen=True)
class Infotext:
    """All that draws one picture again. Hashes are SHA-256 in hex of any length.

    `lora_hashes` maps the name in a prompt's <lora:name:1> to the file's hash (`sshs_model_hash`), by which a LoRA that
    was renamed since is found. `noise_source` is 'GPU' for the computing device's generator, or 'CPU'.
    """

    request: Request
    model: str = ""
    model_sha256: str = ""
    zero_terminal_snr: bool = False
    noise_source: str = "GPU"
    lora_hashes: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [_as_words(self.request.prompt)]
        if self.request.negative_prompt:
            lines.append(f"{NEGATIVE} {_as_words(self.request.negative_prompt)}")
        lines.append(", ".join(f"{name}: {quote(value)}" for name, value in self._parameters().items() if value != ""))
        return "\n".join(lines).strip()

    def _parameters(self) -> dict[str, str | int]:
        """The last line's values in the host's order; an empty one is left out."""
        asked = self.request
        sampler = SAMPLERS.get(asked.sampler)
        return {
            "Steps": asked.steps,
            "Sampler": sampler.label,
            "Schedule type": sampler.schedule,
            "CFG scale": f"{asked.guidance:g}",
            "Seed": asked.seed,
            "Size": f"{asked.width}x{asked.height}",
            "Model hash": self.model_sha256[:10],
            "Model": self.model,
            "Clip skip": asked.clip_skip if asked.clip_skip > 1 else "",
            "RNG": self.noise_source if self.noise_source != "GPU" else "",
            "Lora hashes": ", ".join(f"{_bare(name)}: {sha[:12]}" for name, sha in self.lora_hashes.items()),
            "Noise Schedule": "Zero Terminal SNR" if self.zero_terminal_snr else "",
            "Version": f"Train LoRA {__version__}",
        }


def _as_words(prompt: str) -> str:
    """A prompt in which no line is taken for the beginning of the negative one; the tokens stay what they are."""
    return _HEADING.sub(r"\1 :", prompt)


def lora_tag(name: str, strength: float = 1.0) -> str:
    """What calls a LoRA up in a prompt, e.g. `<lora:my cat:0.8>`."""
    return f"<lora:{name}:{strength:g}>"


def quote(value: object) -> str:
    """A value of the last line; in quotes when it holds what separates values there."""
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if any(mark in text for mark in ",:\n") else text


def _bare(name: str) -> str:
    """A LoRA's name as the host writes it among hashes."""
    return name.replace(":", "").replace(",", "")


def write_png(path: Path, image: Image.Image, infotext: Infotext | str) -> None:
    """Write `image` with its infotext where the WebUI's 'PNG Info' looks for it; never half a file.

    Raises as `files.atomic.replacing` when the disk is full or the file cannot be replaced.
    """
    from PIL.PngImagePlugin import PngInfo

    texts = PngInfo()
    texts.add_text(PARAMETERS, str(infotext))  # plain where Latin-1 suffices, else as iTXt in UTF-8
    with replacing(path) as file:
        image.save(file, format="PNG", pnginfo=texts)
