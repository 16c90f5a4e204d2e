"""What differs between the WebUI and Forge in how they hold a model and its LoRAs; everything else they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor, nn

UNET, TEXT, VAE = "unet", "text", "vae"
"""Parts of a model that a host brings to its device."""


class Kind(Protocol):
    """A kind of WebUI. Models are what `loaded` and `load` give: the WebUI's own, or of its attributes."""

    def loaded(self) -> Any:
        """The model that the host holds now; None where there is none."""

    def load(self, selected: Any) -> Any:
        """Do what the host does before a picture: have the selected checkpoint loaded, whole and on its device.

        Called under the host's lock. Raises whatever the host raises.
        """

    def is_in_place(self, model: Any) -> bool:
        """Whether the model's U-Net has its values, and where the host computes."""

    def bring(self, model: Any, part: str) -> None:
        """Have the host bring a part of the model to its device, as before its own use of it."""

    def tensors_of(self, module: nn.Module) -> Mapping[str, Tensor]:
        """Parameters and buffers of one of the model's networks, by name, as a twin may share them."""

    def remove_loras(self) -> None:
        """Take all LoRAs out of the weights of every model that the host holds; bit by bit the checkpoint's then."""

    def forget_loras(self, names: Sequence[str] | None = None) -> None:
        """Let go of what was read from LoRA files, of these names or of all."""

    def left_out(self, file: Path, network: Any = None) -> list[str]:
        """Modules of a LoRA file that the host's loader leaves out, or whose shapes do not fit the loaded model.

        `network`: what the loader made of the file, where it was loaded already. Raises what the loader raises.
        """

    def vae_file(self) -> str:
        """The VAE that stands in for the checkpoint's own; empty without one."""

    def keeps_parts_away(self) -> bool:
        """Whether the host was started so that never all of the U-Net is on its device."""


def kind() -> Kind:
    """That of the WebUI in this process."""
    from modules import sd_models

    if hasattr(sd_models, "forge_model_reload"):
        from .forge import Forge

        return Forge()
    from .a1111 import A1111

    return A1111()
