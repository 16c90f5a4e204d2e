"""How each family of base models is conditioned on text: tokenizer, layer, norm, pooling (A1111 v1.10)."""

from __future__ import annotations

from dataclasses import dataclass

from ..registry import Registry
from .tokenizer import OPEN_CLIP, TRANSFORMERS, Flavour


@dataclass(frozen=True)
class EncoderLayout:
    """What is taken from one text encoder.

    `layer` counts hidden states from the end: -1 is the last layer's. `clip_skip` says who may choose another one:
    the user ('yes'), nobody ('no'), or the user when the host's option for it is on ('on request').
    `pad` is None where the end token fills up.
    """

    flavour: Flavour
    pad: int | None
    layer: int
    final_norm: bool
    clip_skip: str = "no"
    pooled: bool = False
    whole_layers: int = 0
    """Layers of the full encoder; a diffusers folder holds SD2's without its unused last one. 0: does not matter."""


@dataclass(frozen=True)
class TextLayout:
    """A family's encoders; `zero_empty_negative`: an empty negative prompt is all zeros and not the empty text."""

    encoders: tuple[EncoderLayout, ...]
    zero_empty_negative: bool = False


TEXT_LAYOUTS: Registry[TextLayout] = Registry("text layout")
TEXT_LAYOUTS.add(
    "sd1", TextLayout((EncoderLayout(TRANSFORMERS, pad=None, layer=-1, final_norm=True, clip_skip="yes"),))
)
TEXT_LAYOUTS.add("sd2", TextLayout((EncoderLayout(OPEN_CLIP, pad=0, layer=-2, final_norm=True, whole_layers=24),)))
TEXT_LAYOUTS.add(
    "sdxl",
    TextLayout(
        (
            EncoderLayout(TRANSFORMERS, pad=None, layer=-2, final_norm=False, clip_skip="on request"),
            EncoderLayout(OPEN_CLIP, pad=0, layer=-2, final_norm=False, pooled=True),
        ),
        zero_empty_negative=True,
    ),
)
