"""The yaml beside a checkpoint by which the A1111 WebUI builds its networks, in CompVis' and Stability's words."""

from __future__ import annotations

from typing import Any

from ..config import V_PREDICTION
from ..families.base import FAMILIES
from ..twin.unet import SIZE_FEATURES
from ..twin.unet_keys import UNetLayout
from ..twin.vae_keys import VAELayout

CLIP_L, OPEN_CLIP_H, OPEN_CLIP_BIGG = "openai/clip-vit-large-patch14", "ViT-H-14", "ViT-bigG-14"


def webui_yaml(
    family: str,
    unet: UNetLayout,
    vae: VAELayout,
    *,
    prediction_type: str,
    heads: int = 0,
    head_channels: int = 0,
    clip: str = CLIP_L,
    open_clip: str = "",
) -> dict[str, Any]:
    """The content of the yaml. Either `heads` (as SD1) or `head_channels` (as SD2, SDXL) is given.

    `clip`: folder with config.json and tokenizer of SD1's encoder or SDXL's first; `open_clip`: name of an architecture
    that open_clip knows, for SD2's or SDXL's second.
    """
    params: dict[str, Any] = {
        "scale_factor": FAMILIES.get(family).latent_scale,
        "first_stage_config": _vae(vae, "sgm" if family == "sdxl" else "ldm"),
    }
    if family == "sdxl":
        params.update(_sdxl(unet, prediction_type, head_channels, clip, open_clip or OPEN_CLIP_BIGG))
        return {"model": {"target": "sgm.models.diffusion.DiffusionEngine", "params": params}}
    params.update(_schedule())
    params["parameterization"] = "v" if prediction_type == V_PREDICTION else "eps"
    params["unet_config"] = {
        "target": "ldm.modules.diffusionmodules.openaimodel.UNetModel",
        "params": _unet(unet, heads, head_channels),
    }
    params["cond_stage_config"] = _clip(clip) if family == "sd1" else _open_clip(open_clip or OPEN_CLIP_H)
    return {"model": {"target": "ldm.models.diffusion.ddpm.LatentDiffusion", "params": params}}


def _schedule() -> dict[str, Any]:
    return {
        "linear_start": 0.00085,
        "linear_end": 0.012,
        "num_timesteps_cond": 1,
        "timesteps": 1000,
        "first_stage_key": "jpg",
        "cond_stage_key": "txt",
        "image_size": 64,
        "channels": 4,
        "cond_stage_trainable": False,
        "conditioning_key": "crossattn",
        "monitor": "val/loss_simple_ema",
        "use_ema": False,
    }


def _unet(layout: UNetLayout, heads: int, head_channels: int) -> dict[str, Any]:
    first, levels = layout.channels[0], range(layout.levels)
    params = {
        "image_size": 32,
        "in_channels": layout.in_channels,
        "out_channels": layout.out_channels,
        "model_channels": first,
        "attention_resolutions": [2**level for level in reversed(levels) if layout.depths[level]],
        "num_res_blocks": layout.resnets,
        "channel_mult": [channels // first for channels in layout.channels],
        "use_spatial_transformer": True,
        "use_linear_in_transformer": layout.linear_projection,
        "transformer_depth": layout.mid_depth,
        "context_dim": layout.context,
        "use_checkpoint": False,
        "legacy": False,
    }
    return {**params, **({"num_heads": heads} if heads else {"num_head_channels": head_channels})}


def _vae(layout: VAELayout, package: str) -> dict[str, Any]:
    sizes = {
        "double_z": True,
        "z_channels": layout.latent,
        "resolution": 256,
        "in_channels": layout.colours,
        "out_ch": layout.colours,
        "ch": layout.channels[0],
        "ch_mult": [channels // layout.channels[0] for channels in layout.channels],
        "num_res_blocks": layout.resnets,
        "attn_resolutions": [],
        "dropout": 0.0,
    }
    loss = {"target": "torch.nn.Identity"}
    params = {"embed_dim": layout.latent, "monitor": "val/rec_loss", "ddconfig": sizes, "lossconfig": loss}
    return {"target": f"{package}.models.autoencoder.AutoencoderKL", "params": params}


def _clip(version: str) -> dict[str, Any]:
    return {"target": "ldm.modules.encoders.modules.FrozenCLIPEmbedder", "params": {"version": version}}


def _open_clip(arch: str) -> dict[str, Any]:
    params = {"freeze": True, "layer": "penultimate", "arch": arch}
    return {"target": "ldm.modules.encoders.modules.FrozenOpenCLIPEmbedder", "params": params}


def _sdxl(layout: UNetLayout, prediction_type: str, head_channels: int, clip: str, arch: str) -> dict[str, Any]:
    parts = "sgm.modules.diffusionmodules"
    kind = "V" if prediction_type == V_PREDICTION else "Eps"
    unet = _unet(layout, 0, head_channels)
    del unet["image_size"]  # the one word of CompVis' U-Net that Stability's does not know
    unet["transformer_depth"] = [depth or 1 for depth in layout.depths]
    unet.update(adm_in_channels=layout.label, num_classes="sequential", spatial_transformer_attn_type="softmax")
    denoiser = {
        "num_idx": 1000,
        "weighting_config": {"target": f"{parts}.denoiser_weighting.{kind}Weighting"},
        "scaling_config": {"target": f"{parts}.denoiser_scaling.{kind}Scaling"},
        "discretization_config": {"target": f"{parts}.discretizer.LegacyDDPMDiscretization"},
    }
    return {
        "disable_first_stage_autocast": True,
        "denoiser_config": {"target": f"{parts}.denoiser.DiscreteDenoiser", "params": denoiser},
        "network_config": {"target": f"{parts}.openaimodel.UNetModel", "params": unet},
        "conditioner_config": {
            "target": "sgm.modules.GeneralConditioner",
            "params": {"emb_models": _embedders(clip, arch)},
        },
    }


def _embedders(clip: str, arch: str) -> list[dict[str, Any]]:
    modules = "sgm.modules.encoders.modules"
    texts = [
        ("FrozenCLIPEmbedder", {"version": clip, "layer": "hidden", "layer_idx": 11}),
        (
            "FrozenOpenCLIPEmbedder2",
            {"arch": arch, "freeze": True, "layer": "penultimate", "always_return_pooled": True, "legacy": False},
        ),
    ]
    sizes = ("original_size_as_tuple", "crop_coords_top_left", "target_size_as_tuple")
    size = {"target": f"{modules}.ConcatTimestepEmbedderND", "params": {"outdim": SIZE_FEATURES}}
    return [
        *({"is_trainable": False, "input_key": "txt", "target": f"{modules}.{t}", "params": p} for t, p in texts),
        *({"is_trainable": False, "input_key": key, **size} for key in sizes),
    ]
