"""Text encoder names, as checkpoints and hosts have them <-> Hugging Face's CLIPTextModel.

Checkpoints hold a text encoder in one of two forms: Hugging Face's own (SD1, SDXL's first), or open_clip's (SD2, SDXL's
second), where q, k and v are one packed projection and the projection of the pooled state lies the other way round.
Everything is a view except packing, which only a diffusers folder needs.

The canonical names here are those of transformers 4: `text_model.encoder.layers.0...`, `text_projection.weight`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..errors import BaseModelError
from .sources import Source, same, stacked, third, transposed

QKV = ("q_proj", "k_proj", "v_proj")
OPEN_CLIP_LAYER = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn.out_proj": "self_attn.out_proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}
OPEN_CLIP_ENDS = {
    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "ln_final.weight": "text_model.final_layer_norm.weight",
    "ln_final.bias": "text_model.final_layer_norm.bias",
}
PROJECTION, OPEN_CLIP_PROJECTION = "text_projection.weight", "text_projection"
TOKENS, POSITIONS = OPEN_CLIP_ENDS["token_embedding.weight"], OPEN_CLIP_ENDS["positional_embedding"]


@dataclass(frozen=True)
class TextLayout:
    """What the shapes tell of a text encoder. `projection` is the pooled state's width, 0 without a projection."""

    open_clip: bool
    vocabulary: int
    width: int
    layers: int
    inner: int
    tokens: int = 77
    projection: int = 0


def canonical_names(keys: Iterable[str]) -> dict[str, str]:
    """{name without quirks: the key}. The quirks: A1111's `token_embedding.wrapped`, a missing `text_model.`."""
    names = {}
    for key in keys:
        name = key.replace("token_embedding.wrapped.", "token_embedding.")
        if name.startswith(("embeddings.", "encoder.", "final_layer_norm.")):
            name = f"text_model.{name}"
        names[name] = key
    return names


def read_text_layout(shapes: Mapping[str, Sequence[int]]) -> TextLayout:
    """The layout of a text encoder of either form (no prefix). Raises BaseModelError when it is none."""
    names = {name: tuple(shapes[key]) for name, key in canonical_names(shapes).items()}
    open_clip = "positional_embedding" in names
    form = _open_clip_sources if open_clip else _own_sources
    projection = OPEN_CLIP_PROJECTION if open_clip else PROJECTION
    table = form(_count_layers(names, open_clip), projection in names)
    fc1 = "text_model.encoder.layers.0.mlp.fc1.weight"
    try:
        vocabulary, width = table[TOKENS].shape(names)
        return TextLayout(
            open_clip=open_clip,
            vocabulary=vocabulary,
            width=width,
            layers=_count_layers(names, open_clip),
            inner=table[fc1].shape(names)[0],
            tokens=table[POSITIONS].shape(names)[0],
            projection=table[PROJECTION].shape(names)[0] if PROJECTION in table else 0,
        )
    except KeyError as error:
        raise BaseModelError(
            f"The text encoder is not laid out like that of SD1, SD2 or SDXL: {error} is missing. "
            "Choose a checkpoint of one of these kinds."
        ) from error


def _count_layers(names: Mapping[str, Sequence[int]], open_clip: bool) -> int:
    pattern = "transformer.resblocks.{}.ln_1.weight" if open_clip else "text_model.encoder.layers.{}.layer_norm1.weight"
    layers = 0
    while pattern.format(layers) in names:
        layers += 1
    return layers


def text_sources(layout: TextLayout, keys: Iterable[str], *, projected: bool) -> dict[str, Source]:
    """Where the tensors of a Hugging Face text encoder (canonical names) come from, in a file or host with these keys.

    `projected`: with the projection of the pooled state (CLIPTextModelWithProjection).
    """
    actual = canonical_names(keys)
    table = (_open_clip_sources if layout.open_clip else _own_sources)(layout.layers, projected)
    return {
        name: Source(tuple(actual.get(key, key) for key in source.keys), source.look) for name, source in table.items()
    }


def _own_sources(layers: int, projected: bool) -> dict[str, Source]:
    """Hugging Face's names from themselves."""
    names = [*OPEN_CLIP_ENDS.values(), *([PROJECTION] if projected else [])]
    for layer in range(layers):
        block = f"text_model.encoder.layers.{layer}"
        leaves = (*OPEN_CLIP_LAYER.values(), *(f"self_attn.{leaf}" for leaf in QKV))
        names += [f"{block}.{leaf}.{kind}" for leaf in leaves for kind in ("weight", "bias")]
    return {name: Source((name,)) for name in names}


def _open_clip_sources(layers: int, projected: bool) -> dict[str, Source]:
    """Hugging Face's names from open_clip's, all by views."""
    table = {name: Source((key,)) for key, name in OPEN_CLIP_ENDS.items()}
    if projected:
        table[PROJECTION] = Source((OPEN_CLIP_PROJECTION,), transposed)
    for layer in range(layers):
        old, new = f"transformer.resblocks.{layer}", f"text_model.encoder.layers.{layer}"
        for kind in ("weight", "bias"):
            for old_leaf, leaf in OPEN_CLIP_LAYER.items():
                table[f"{new}.{leaf}.{kind}"] = Source((f"{old}.{old_leaf}.{kind}",))
            for i, leaf in enumerate(QKV):
                table[f"{new}.self_attn.{leaf}.{kind}"] = Source((f"{old}.attn.in_proj_{kind}",), third(i))
    return table


def open_clip_from_own(layers: int, *, projected: bool, names: Mapping[str, str] | None = None) -> dict[str, Source]:
    """open_clip's names from Hugging Face's (`names`: the keys behind the canonical names); q, k and v are packed."""
    table: dict[str, Source] = {}
    for name, source in _open_clip_sources(layers, projected).items():
        key = names[name] if names else name
        (old,) = source.keys
        if ".in_proj_" in old:
            table[old] = Source((*(table[old].keys if old in table else ()), key), stacked)
        else:
            table[old] = Source((key,), transposed if source.look is transposed else same)
    return table


def superfluous_text(key: str) -> bool:
    """What files hold beside the weights that a twin needs: buffers, and heads of CLIP that no picture is made with."""
    return key.endswith(("position_ids", "logit_scale", "attn_mask", "text_projection", "text_projection.weight"))
