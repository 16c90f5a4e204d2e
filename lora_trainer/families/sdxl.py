"""Stable Diffusion XL: CLIP-L and OpenCLIP-bigG side by side, a pooled state, and the picture's sizes as conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..host.base import BaseInfo, Conditioning
from .base import FAMILIES, Family, PictureSize, TextPart, prediction_word

if TYPE_CHECKING:
    import torch


class SDXL(Family):
    name = "sdxl"
    label = "Stable Diffusion XL"
    latent_scale = 0.13025
    native_resolution = 1024
    original_names = True
    text_parts = (
        TextPart("conditioner.embedders.0.transformer.", "text_encoder", "lora_te1"),
        TextPart("conditioner.embedders.1.model.", "text_encoder_2", "lora_te2", projected=True),
    )

    def recognise(self, shapes: Mapping[str, Sequence[int]]) -> bool:
        return f"{self.text_parts[1].prefix}positional_embedding" in shapes

    def unet_inputs(self, conditioning: Conditioning, sizes: Sequence[PictureSize]) -> dict[str, Any]:
        """Beside the context: the pooled state, and (n, 6) sizes in the order that SDXL was trained with."""
        import torch

        rows = [[*size.original, *size.crop, *size.target] for size in sizes]
        sizes_of_all = torch.tensor(rows, dtype=torch.float32, device=conditioning.context.device)
        return {
            "encoder_hidden_states": conditioning.context,
            "added_cond_kwargs": {"text_embeds": conditioning.pooled, "time_ids": sizes_of_all},
        }

    def conditioning(self, hidden: list[torch.Tensor], pooled: torch.Tensor | None) -> Conditioning:
        import torch

        return Conditioning(torch.cat(hidden, dim=-1), pooled)

    def metadata(self, info: BaseInfo) -> dict[str, str]:
        return {
            "ss_base_model_version": "sdxl_base_v1-0",
            "ss_v2": "False",
            "modelspec.architecture": "stable-diffusion-xl-v1-base/lora",
            "modelspec.prediction_type": prediction_word(info),
        }


FAMILIES.add(SDXL.name, SDXL())
