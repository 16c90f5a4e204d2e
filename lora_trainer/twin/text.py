"""Text encoder twins: transformers' CLIPTextModel(WithProjection) over the tensors of a checkpoint or a host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from ..errors import BaseModelError
from ..packages import mend_imports
from .adopt import adopt, on_meta
from .sources import Source, shapes_of
from .text_keys import TextLayout, read_text_layout, superfluous_text, text_sources

if TYPE_CHECKING:
    from torch import Tensor, nn

HEAD_CHANNELS = 64
BEGIN, END = 49406, 49407
"""Token numbers of CLIP's begin and end; a pooled state is read at the end."""


def build_text_encoder(
    tensors: Mapping[str, Tensor],
    *,
    projected: bool = False,
    heads: int | None = None,
    activation: str | None = None,
    dtype: torch.dtype | None = None,
    device: torch.device | None = None,
) -> nn.Module:
    """The twin of the text encoder with these tensors, of Hugging Face's or open_clip's form, without prefix.

    `projected`: a CLIPTextModelWithProjection, whose `text_embeds` is SDXL's pooled state; else a CLIPTextModel.
    `heads`: number of attention heads, by default one for every 64 channels. `activation`: 'quick_gelu' or 'gelu', by
    default the former for Hugging Face's form and the latter for open_clip's. It has as many layers as the file.
    Memory, dtype and errors as in `adopt`; q, k and v of open_clip's form are views, which do not follow `.to()`.
    """
    layout = read_text_layout(shapes_of(tensors))
    twin = meta_text_encoder(layout, projected=projected, heads=heads, activation=activation)
    keys = encoder_sources(twin, tensors, projected=projected)
    adopt(twin, keys, tensors, name="text encoder", superfluous=superfluous_text, dtype=dtype, device=device)
    _set_position_ids(twin, layout.tokens)
    return twin


def encoder_sources(twin: nn.Module, tensors: Mapping[str, Tensor], *, projected: bool = False) -> dict[str, Source]:
    """{the twin's key: where its tensor is among `tensors`}, of a twin without adapters."""
    names = {canonical_key(key): key for key in twin.state_dict()}
    table = text_sources(read_text_layout(shapes_of(tensors)), tensors, projected=projected)
    return {names[name]: source for name, source in table.items()}


def meta_text_encoder(
    layout: TextLayout, *, projected: bool = False, heads: int | None = None, activation: str | None = None
) -> nn.Module:
    """A text encoder of this layout on `meta`. Raises BaseModelError when its width is not a multiple of `heads`."""
    mend_imports()
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(**text_arguments(layout, heads=heads, activation=activation))
    return on_meta(lambda: (CLIPTextModelWithProjection if projected else CLIPTextModel)(config))


def text_arguments(layout: TextLayout, *, heads: int | None = None, activation: str | None = None) -> dict[str, Any]:
    """Arguments of CLIPTextConfig for this layout; also what its `config.json` has to say."""
    heads = heads or max(1, layout.width // HEAD_CHANNELS)
    if layout.width % heads:
        raise BaseModelError(
            f"A text encoder of width {layout.width} cannot be shared out among {heads} attention heads. "
            "Correct num_attention_heads in the text encoder's config.json."
        )
    return {
        "vocab_size": layout.vocabulary,
        "hidden_size": layout.width,
        "intermediate_size": layout.inner,
        "num_hidden_layers": layout.layers,
        "num_attention_heads": heads,
        "max_position_embeddings": layout.tokens,
        "hidden_act": activation or ("gelu" if layout.open_clip else "quick_gelu"),
        "projection_dim": layout.projection or layout.width,
        "bos_token_id": BEGIN,
        "eos_token_id": END,
        "pad_token_id": END,
    }


def body(encoder: nn.Module) -> nn.Module:
    """The part with `embeddings`, `encoder` and `final_layer_norm`: transformers 5 made it the CLIPTextModel itself."""
    inner: Any = getattr(encoder, "text_model", encoder)
    return inner


def path_prefix(encoder: nn.Module) -> str:
    """Where `body` is: 'text_model.', or nothing for a CLIPTextModel of transformers 5."""
    return "text_model." if hasattr(encoder, "text_model") else ""


def canonical_key(key: str) -> str:
    """A twin's key under the names of transformers 4, as `text_keys` has them."""
    return key if key.startswith(("text_model.", "text_projection.")) else f"text_model.{key}"


def _set_position_ids(twin: nn.Module, tokens: int) -> None:
    """The numbers 0, 1, 2 ... are a buffer without a source; left on `meta` they would be read as anything."""
    embeddings: Any = body(twin).embeddings
    device = embeddings.position_embedding.weight.device
    embeddings.position_ids = torch.arange(tokens, device=device).expand((1, -1))
