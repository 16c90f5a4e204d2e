"""Text encoders' outputs as the WebUI conditions its U-Net on them (A1111 v1.10), with or without gradients.

The encoders are transformers' CLIPTextModel, or CLIPTextModelWithProjection where a pooled output is wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

from ..errors import UserError
from ..host.base import Conditioning
from ..twin.text import body as body_of
from .layout import TEXT_LAYOUTS, EncoderLayout
from .tokens import TextTokens

if TYPE_CHECKING:
    from ..families.base import Family


def encode(
    family: Family,
    encoders: Sequence[nn.Module],
    tokens: TextTokens,
    *,
    clip_skip: int = 1,
    clip_skip_sdxl: bool = False,
) -> Conditioning:
    """The conditioning of n texts; gradients flow when they are enabled, so cache under torch.no_grad().

    `clip_skip` 1 takes the last layer, 2 the one before; SD2 ignores it, and so does SDXL unless `clip_skip_sdxl`
    (the host's option 'Clip skip SDXL') is set. Chunks are encoded singly and joined along the tokens.
    """
    hidden, pooled = hidden_states(family, encoders, tokens.ids, clip_skip=clip_skip, clip_skip_sdxl=clip_skip_sdxl)
    weighed = [emphasize(states, weights).flatten(1, 2) for states, weights in zip(hidden, tokens.weights)]
    return family.conditioning(weighed, pooled)


def hidden_states(
    family: Family,
    encoders: Sequence[nn.Module],
    ids: Sequence[torch.Tensor],
    *,
    clip_skip: int = 1,
    clip_skip_sdxl: bool = False,
) -> tuple[list[torch.Tensor], torch.Tensor | None]:
    """Of every encoder the states (n, chunks, 77, width) for its `ids` (n, chunks, 77), and the pooled output."""
    hidden: list[torch.Tensor] = []
    pooled: torch.Tensor | None = None
    for layout, encoder, numbers in zip(TEXT_LAYOUTS.get(family.name).encoders, encoders, ids):
        states, pool = _encode_one(layout, encoder, numbers, _layer(layout, encoder, clip_skip, clip_skip_sdxl))
        hidden.append(states)
        pooled = pool if layout.pooled else pooled
    return hidden, pooled


def unconditional(family: str, negative_prompts: Sequence[str], conditioning: Conditioning) -> Conditioning:
    """What the host draws away from: `conditioning` of the negative prompts, or zeros where the family wants them.

    SDXL was trained to have an empty text dropped as a whole; the host sends zeros when all negative prompts are empty.
    """
    if not TEXT_LAYOUTS.get(family).zero_empty_negative or any(negative_prompts):
        return conditioning
    pooled = conditioning.pooled
    return Conditioning(torch.zeros_like(conditioning.context), None if pooled is None else torch.zeros_like(pooled))


def emphasize(states: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Hidden states (n, chunks, 77, width) times `weights` (n, chunks, 77), each chunk's mean restored ('Original')."""
    if bool((weights == 1).all()):
        return states
    weighted = states * weights.to(states.device)[..., None]
    return weighted * (states.mean((2, 3), keepdim=True) / weighted.mean((2, 3), keepdim=True))


def _layer(layout: EncoderLayout, encoder: nn.Module, clip_skip: int, clip_skip_sdxl: bool) -> int:
    """The hidden state to take, counted from the end. Raises UserError when there are not that many."""
    layers = len(body_of(encoder).encoder.layers)
    if layout.clip_skip == "yes" or (layout.clip_skip == "on request" and clip_skip_sdxl):
        if clip_skip > layers:
            raise UserError(f"Clip skip {clip_skip} is too much: this text encoder has {layers} layers.")
        return -clip_skip
    return layout.layer + (1 if layers == layout.whole_layers - 1 else 0)


def _encode_one(
    layout: EncoderLayout, encoder: nn.Module, ids: torch.Tensor, layer: int
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Hidden states (n, chunks, 77, width), and the pooled output (n, width) of the first chunks where it is wanted."""
    body = body_of(encoder)
    device = body.embeddings.position_embedding.weight.device
    rows = ids.flatten(0, 1).to(device)
    outputs = body(input_ids=rows, output_hidden_states=True)
    if layer == -1 and layout.final_norm:
        states = outputs.last_hidden_state
    else:
        states = outputs.hidden_states[layer]
        states = body.final_layer_norm(states) if layout.final_norm else states
    pooled = _pooled(encoder, outputs.last_hidden_state, rows) if layout.pooled else None
    shaped = states.unflatten(0, ids.shape[:2])
    return shaped, None if pooled is None else pooled.unflatten(0, ids.shape[:2])[:, 0]


def _pooled(encoder: nn.Module, last: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """The projection of the final-normed state at the first end token, which has the highest number of all."""
    return encoder.text_projection(last[torch.arange(len(ids), device=last.device), ids.argmax(1)])
