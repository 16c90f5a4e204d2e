"""Sizes of pocket's networks: SD1.5's block layout at reduced width, and the files that tell the WebUI about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..twin.unet_keys import UNetLayout
    from ..twin.vae_keys import VAELayout

PICTURE = 64  # pixels, the side of the pictures that pocket was trained on
TEXT_WIDTH = 96
TEXT_LAYERS = 4
UNET_HEADS = 8  # SD1.5's number; it cannot be told from the weights' shapes, so it stays what every loader assumes
LATENT_SCALE = 0.18215  # SD1's: the autoencoder is stored so that it fits
ENCODER_FOLDER = "pocket-text-encoder"  # beside the checkpoint; holds the text encoder's config.json

VAE: dict[str, Any] = {
    "in_channels": 3,
    "out_channels": 3,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    # 32 channels in the 32 groups that every loader assumes would be normalized singly: each loses its mean, and with
    # the means go the colours.
    "block_out_channels": (64, 64, 64, 64),
    "layers_per_block": 2,
    "latent_channels": 4,
    "sample_size": PICTURE,
}
UNET: dict[str, Any] = {
    "sample_size": PICTURE // 8,
    "in_channels": 4,
    "out_channels": 4,
    "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
    "block_out_channels": (32, 64, 128, 128),
    "layers_per_block": 2,
    "attention_head_dim": UNET_HEADS,  # diffusers' old name: it means the number of heads
    "cross_attention_dim": TEXT_WIDTH,
}
TEXT: dict[str, Any] = {
    "vocab_size": 49408,
    "hidden_size": TEXT_WIDTH,
    "intermediate_size": TEXT_WIDTH * 4,
    "num_hidden_layers": TEXT_LAYERS,
    "num_attention_heads": TEXT_WIDTH // 32,
    "max_position_embeddings": 77,
    "hidden_act": "quick_gelu",
    "bos_token_id": 49406,
    "eos_token_id": 49407,
    "pad_token_id": 49407,
    "projection_dim": TEXT_WIDTH,
}


def unet_layout() -> UNetLayout:
    from ..twin.unet_keys import layout_from_config

    return layout_from_config(UNET)


def vae_layout() -> VAELayout:
    from ..twin.vae_keys import VAELayout

    return VAELayout(VAE["block_out_channels"], VAE["layers_per_block"], VAE["latent_channels"])


def text_config() -> dict[str, Any]:
    """The text encoder's config.json, as transformers (and so the WebUI) builds it from."""
    return {"architectures": ["CLIPTextModel"], "model_type": "clip_text_model", **TEXT}


def webui_yaml(encoder: str) -> str:
    """The yaml beside the checkpoint; `encoder` is the folder with the text encoder's config.json and tokenizer."""
    import yaml

    from ..config import EPSILON
    from .webui_yaml import webui_yaml as values

    content = values("sd1", unet_layout(), vae_layout(), prediction_type=EPSILON, heads=UNET_HEADS, clip=encoder)
    return yaml.safe_dump(content, sort_keys=False)
