"""The VAE twin: a diffusers AutoencoderKL over the tensors of an original (ldm) VAE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import packages
from .adopt import adopt, on_meta
from .sources import shapes_of
from .vae_keys import VAELayout, read_vae_layout, vae_sources

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


def build_vae(
    tensors: Mapping[str, Tensor],
    *,
    latent_scale: float = 0.18215,
    dtype: torch.dtype | None = None,
    device: torch.device | None = None,
) -> nn.Module:
    """The twin of the VAE with these tensors (original names without prefix: `encoder.conv_in.weight`, ...).

    `latent_scale` only goes into its config; encode and decode themselves do not scale. Memory, dtype and errors as in
    `adopt`; what training left behind (`loss.*`, `model_ema.*`) is passed over.
    """
    layout = read_vae_layout(shapes_of(tensors))
    twin = meta_vae(layout, latent_scale, quantized="quant_conv.weight" in tensors)
    keys = vae_sources(twin.state_dict(), layout)
    return adopt(twin, keys, tensors, name="VAE", superfluous=_left_behind, dtype=dtype, device=device)


def meta_vae(layout: VAELayout, latent_scale: float = 0.18215, *, quantized: bool = True) -> nn.Module:
    """An AutoencoderKL of this layout on `meta`; `quantized`: with the 1x1 convolutions around the latents."""
    diffusers: Any = packages.diffusers()
    levels = len(layout.channels)
    return on_meta(
        lambda: diffusers.AutoencoderKL(
            in_channels=layout.colours,
            out_channels=layout.colours,
            down_block_types=("DownEncoderBlock2D",) * levels,
            up_block_types=("UpDecoderBlock2D",) * levels,
            block_out_channels=layout.channels,
            layers_per_block=layout.resnets,
            latent_channels=layout.latent,
            scaling_factor=latent_scale,
            use_quant_conv=quantized,
            use_post_quant_conv=quantized,
        )
    )


def _left_behind(key: str) -> bool:
    return key.startswith(("loss.", "model_ema."))
