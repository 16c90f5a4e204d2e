"""Stable Diffusion 2.x: one OpenCLIP-H text encoder, whose state before the last layer is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..config import EPSILON, V_PREDICTION
from ..host.base import BaseInfo, Conditioning
from .base import FAMILIES, Family, PictureSize, TextPart, prediction_word

if TYPE_CHECKING:
    import torch
    from torch import nn


class SD2(Family):
    name = "sd2"
    label = "Stable Diffusion 2.x"
    native_resolution = 768
    text_parts = (TextPart("cond_stage_model.model.", "text_encoder", "lora_te", unused_layer=True, whole_layers=24),)

    def recognise(self, shapes: Mapping[str, Sequence[int]]) -> bool:
        return f"{self.text_parts[0].prefix}positional_embedding" in shapes

    def resolution(self, prediction_type: str) -> int:
        return self.native_resolution if prediction_type == V_PREDICTION else 512

    def unet_inputs(self, conditioning: Conditioning, sizes: Sequence[PictureSize]) -> dict[str, Any]:
        return {"encoder_hidden_states": conditioning.context}

    def conditioning(self, hidden: list[torch.Tensor], pooled: torch.Tensor | None) -> Conditioning:
        return Conditioning(hidden[0])

    def metadata(self, info: BaseInfo) -> dict[str, str]:
        size = "768-v" if info.prediction_type == V_PREDICTION else "512"
        return {
            "ss_base_model_version": "sd_v2",
            "ss_v2": "True",
            "modelspec.architecture": f"stable-diffusion-v2-{size}/lora",
            "modelspec.prediction_type": prediction_word(info),
        }


def probe_prediction(unet: nn.Module) -> str:
    """Whether this SD2 U-Net predicts epsilon or v, which nothing in the file tells when it is not said.

    A1111's test: at the noisiest timestep an epsilon network gives its input back, and a v network minus the picture
    that it sees in it, whose mean is far below. Input 0.5 everywhere, context 0.5 everywhere.
    """
    import torch

    parameter = next(unet.parameters())
    config: Any = unet.config
    latents = torch.full((1, config.in_channels, 8, 8), 0.5, device=parameter.device, dtype=parameter.dtype)
    context = torch.full((1, 2, config.cross_attention_dim), 0.5, device=parameter.device, dtype=parameter.dtype)
    with torch.no_grad():
        predicted = unet(latents, torch.tensor([999], device=parameter.device), encoder_hidden_states=context).sample
    return V_PREDICTION if (predicted - latents).float().mean().item() < -1 else EPSILON


FAMILIES.add(SD2.name, SD2())
