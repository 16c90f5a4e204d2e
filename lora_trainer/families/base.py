"""What a family of base models has to say."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..host.base import BaseInfo, Conditioning
from ..registry import Registry

if TYPE_CHECKING:
    import torch

FAMILIES: Registry[Family] = Registry("family of base models")


@dataclass(frozen=True)
class PictureSize:
    """Sizes that SDXL is conditioned on, in pixels as (height, width): before scaling, crop corner, as trained."""

    original: tuple[int, int]
    crop: tuple[int, int]
    target: tuple[int, int]


class Family(ABC):
    """One family. Instances are stateless and registered in FAMILIES by their module's import."""

    name: ClassVar[str]
    label: ClassVar[str]
    text_prefixes: ClassVar[tuple[str, ...]]
    """Prefix of every text encoder's modules in LoRA files, e.g. ('lora_te1', 'lora_te2')."""
    latent_scale: ClassVar[float] = 0.18215
    native_resolution: ClassVar[int] = 512

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
