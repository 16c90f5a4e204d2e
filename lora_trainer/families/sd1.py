"""Stable Diffusion 1.x: one CLIP-L text encoder under Hugging Face's names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..host.base import BaseInfo, Conditioning
from .base import FAMILIES, Family, PictureSize, TextPart, prediction_word

if TYPE_CHECKING:
    import torch


class SD1(Family):
    name = "sd1"
    label = "Stable Diffusion 1.x"
    text_parts = (TextPart("cond_stage_model.transformer.", "text_encoder", "lora_te"),)

    def recognise(self, shapes: Mapping[str, Sequence[int]]) -> bool:
        return any(key.startswith(self.text_parts[0].prefix) for key in shapes)

    def unet_inputs(self, conditioning: Conditioning, sizes: Sequence[PictureSize]) -> dict[str, Any]:
        return {"encoder_hidden_states": conditioning.context}

    def conditioning(self, hidden: list[torch.Tensor], pooled: torch.Tensor | None) -> Conditioning:
        return Conditioning(hidden[0])

    def metadata(self, info: BaseInfo) -> dict[str, str]:
        return {
            "ss_base_model_version": "sd_v1",
            "ss_v2": "False",
            "modelspec.architecture": "stable-diffusion-v1/lora",
            "modelspec.prediction_type": prediction_word(info),
        }


FAMILIES.add(SD1.name, SD1())
