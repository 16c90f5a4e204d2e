"""Where the weights that a LoRA changes lie in a checkpoint."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from ..checkpoints import Checkpoint
from ..families.base import Family
from ..families.detect import UNET, recognise
from ..twin.lora_names import UNET_PREFIX, Target, lora_name, text_targets, unet_targets
from ..twin.sources import Source
from ..twin.text_keys import TextLayout, read_text_layout, text_sources
from ..twin.unet_keys import UNetLayout, read_layout, unet_modules

TEXT_MODULE = re.compile(r"text_model\.encoder\.layers\.\d+\.(?:self_attn|mlp)\.\w+")


@dataclass(frozen=True)
class WeightMap:
    """The weights of a checkpoint by LoRA module name, as sources with one key each, and the checkpoint's layout."""

    family: Family
    weights: Mapping[str, Source]
    unet: UNetLayout
    texts: tuple[TextLayout, ...]

    def targets(self, *, conv: bool) -> list[Target]:
        """The modules that kohya trains: attention and feed-forward, with `conv` also the residual blocks."""
        targets = unet_targets(self.unet, original_names=self.family.original_names, conv=conv)
        for part, layout in zip(self.family.text_parts, self.texts):
            layers = part.used_layers(layout.layers)
            targets += text_targets(layers, part=part.part, lora_prefix=part.lora_prefix, path_prefix="")
        return targets

    def read(self, checkpoint: Checkpoint, name: str) -> torch.Tensor:
        """The weight of a module, a view of its third where q, k and v are packed."""
        source = self.weights[name]
        return source.look(checkpoint.tensor(source.keys[0]))

    def shape(self, checkpoint: Checkpoint, name: str) -> tuple[int, ...]:
        return self.weights[name].shape(checkpoint.shapes)


def weight_map(checkpoint: Checkpoint) -> WeightMap:
    """Find the weights. U-Net modules are known under both numberings. Raises BaseModelError for unknown networks."""
    family = recognise(checkpoint)
    layout = read_layout(_part(checkpoint, UNET))
    weights = {}
    for original, path in unet_modules(layout).items():
        key = f"{UNET}{original}.weight"
        if key in checkpoint:
            weights[lora_name(UNET_PREFIX, original)] = weights[lora_name(UNET_PREFIX, path)] = Source((key,))
    texts = []
    for part in family.text_parts:
        shapes = _part(checkpoint, part.prefix)
        texts.append(read_text_layout(shapes))
        for name, source in text_sources(texts[-1], shapes, projected=False).items():
            module, _, kind = name.rpartition(".")
            if kind == "weight" and TEXT_MODULE.fullmatch(module):
                keys = tuple(part.prefix + key for key in source.keys)
                weights[lora_name(part.lora_prefix, module)] = replace(source, keys=keys)
    return WeightMap(family, weights, layout, tuple(texts))


def _part(checkpoint: Checkpoint, prefix: str) -> dict[str, tuple[int, ...]]:
    """Shapes of the tensors below `prefix`."""
    return {key[len(prefix) :]: shape for key, shape in checkpoint.shapes.items() if key.startswith(prefix)}
