"""What a family of base models has to say."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..config import EPSILON, V_PREDICTION
from ..host.base import BaseInfo, Conditioning
from ..registry import Registry

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ..twin.lora_names import Target

FAMILIES: Registry[Family] = Registry("family of base models")


@dataclass(frozen=True)
class PictureSize:
    """Sizes that SDXL is conditioned on, in pixels as (height, width): before scaling, crop corner, as trained."""

    original: tuple[int, int]
    crop: tuple[int, int]
    target: tuple[int, int]


@dataclass(frozen=True)
class TextPart:
    """A text encoder of a family.

    prefix: of its tensors in a checkpoint; part: what it is called among the parts of a network; lora_prefix: of its
    modules in LoRA files; projected: its pooled state is used; unused_layer: no picture is made with the last of its
    `whole_layers` layers (a host may have left it out already).
    """

    prefix: str
    part: str
    lora_prefix: str
    projected: bool = False
    unused_layer: bool = False
    whole_layers: int = 0

    def used_layers(self, layers: int) -> int:
        """How many of the layers that there are take part."""
        return layers - 1 if self.unused_layer and layers != self.whole_layers - 1 else layers


class Family(ABC):
    """One family. Instances are stateless and registered in FAMILIES by their module's import."""

    name: ClassVar[str]
    label: ClassVar[str]
    text_parts: ClassVar[tuple[TextPart, ...]]
    original_names: ClassVar[bool] = False
    """Whether LoRA files name the U-Net's modules as the original network does, or as diffusers does."""
    latent_scale: ClassVar[float] = 0.18215
    native_resolution: ClassVar[int] = 512

    def resolution(self, prediction_type: str) -> int:
        """Side in pixels of the pictures that a base with this prediction type was trained on."""
        return self.native_resolution

    def targets(
        self,
        unet: nn.Module | None,
        encoders: Sequence[nn.Module] = (),
        *,
        attention_only: bool = False,
        conv: bool = False,
    ) -> list[Target]:
        """The modules of these twins that a LoRA goes into, with their names in files; kohya's choice."""
        from ..twin.lora_names import text_targets, unet_targets
        from ..twin.text import body, path_prefix
        from ..twin.unet_keys import layout_from_config

        targets = []
        if unet is not None:
            config: Any = unet.config
            layout = layout_from_config(config)
            targets += unet_targets(
                layout, original_names=self.original_names, attention_only=attention_only, conv=conv
            )
        for text, encoder in zip(self.text_parts, encoders):
            layers: Any = body(encoder).encoder.layers
            targets += text_targets(
                text.used_layers(len(layers)),
                part=text.part,
                lora_prefix=text.lora_prefix,
                path_prefix=path_prefix(encoder),
                attention_only=attention_only,
            )
        return targets

    @abstractmethod
    def recognise(self, shapes: Mapping[str, Sequence[int]]) -> bool:
        """Whether a checkpoint with these tensor names (original ldm names) and shapes is of this family."""

    @abstractmethod
    def unet_inputs(self, conditioning: Conditioning, sizes: Sequence[PictureSize]) -> dict[str, Any]:
        """Keyword arguments for the U-Net twin beside latents and timesteps."""

    @abstractmethod
    def conditioning(self, hidden: list[torch.Tensor], pooled: torch.Tensor | None) -> Conditioning:
        """Join the chosen hidden states (n, tokens, width) of all text encoders into one Conditioning."""

    @abstractmethod
    def metadata(self, info: BaseInfo) -> dict[str, str]:
        """The family's share of a LoRA file's metadata (ss_base_model_version, ss_v2, modelspec.architecture ...)."""


def prediction_word(info: BaseInfo) -> str:
    """The prediction type in the words of Stability's model spec: 'epsilon' or 'v'."""
    return "v" if info.prediction_type == V_PREDICTION else EPSILON
