"""Checkpoints of random weights with the real topology of SD1, SD2 and SDXL, narrow enough for tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
from safetensors.torch import save_file

from lora_trainer.twin.unet_keys import UNetLayout, unet_modules

WIDTH, INNER, LAYERS = 32, 48, 2
UNETS = {
    "sd1": UNetLayout((WIDTH,) * 4, (1, 1, 1, 0), 1, context=WIDTH),
    "sd2": UNetLayout((WIDTH,) * 4, (1, 1, 1, 0), 1, context=WIDTH, linear_projection=True),
    "sdxl": UNetLayout((WIDTH,) * 3, (0, 2, 10), 10, context=WIDTH, linear_projection=True, label=80),
}


def save_base(path: Path, family: str, seed: int = 0, dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
    """Write a base with original names; returns its tensors."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {
        key: (torch.randn(shape, generator=generator) * 0.1).to(dtype) for key, shape in shapes_of(family).items()
    }
    save_file(tensors, path, {"modelspec.hash_sha256": "0xold", "made": "by hand"})
    return tensors


@cache
def shapes_of(family: str) -> dict[str, tuple[int, ...]]:
    shapes = {f"model.diffusion_model.{key}": shape for key, shape in unet_shapes(family).items()}
    shapes["first_stage_model.quant_conv.weight"] = (8, 8, 1, 1)
    if family == "sdxl":
        shapes |= {f"conditioner.embedders.0.transformer.{key}": shape for key, shape in clip_shapes().items()}
        shapes |= {f"conditioner.embedders.1.model.{key}": shape for key, shape in open_clip_shapes().items()}
    elif family == "sd2":
        shapes |= {f"cond_stage_model.model.{key}": shape for key, shape in open_clip_shapes().items()}
    else:
        shapes |= {f"cond_stage_model.transformer.{key}": shape for key, shape in clip_shapes().items()}
    return shapes


def unet_shapes(family: str) -> dict[str, tuple[int, ...]]:
    """A U-Net with original names, whose levels are all equally wide."""
    shapes: dict[str, tuple[int, ...]] = {}
    for original, path in unet_modules(UNETS[family]).items():
        weight = _unet_weight(path, UNETS[family])
        without_bias = path.endswith(("to_q", "to_k", "to_v"))
        shapes |= {f"{original}.weight": weight} if without_bias else _affine(original, weight)
    return shapes


def _unet_weight(path: str, layout: UNetLayout) -> tuple[int, ...]:
    """Shape of a weight by its path in diffusers' U-Net; what the way down remembered doubles the inputs going up."""
    leaf = path.rpartition(".")[2]
    inputs = 2 * WIDTH if path.startswith("up_blocks") and ".resnets." in path else WIDTH
    special: dict[str, tuple[int, ...]] = {
        "conv_in": (WIDTH, 4, 3, 3),
        "conv_out": (4, WIDTH, 3, 3),
        "time_embedding.linear_1": (4 * WIDTH, WIDTH),
        "time_embedding.linear_2": (4 * WIDTH, 4 * WIDTH),
        "add_embedding.linear_1": (4 * WIDTH, layout.label),
        "add_embedding.linear_2": (4 * WIDTH, 4 * WIDTH),
    }
    if path in special:
        return special[path]
    if path.endswith("ff.net.0.proj"):
        return (8 * WIDTH, WIDTH)
    if path.endswith("ff.net.2"):
        return (WIDTH, 4 * WIDTH)
    if ".resnets." in path and leaf in ("norm1", "conv1", "conv_shortcut", "time_emb_proj"):
        return {
            "norm1": (inputs,),
            "conv1": (WIDTH, inputs, 3, 3),
            "conv_shortcut": (WIDTH, inputs, 1, 1),
            "time_emb_proj": (WIDTH, 4 * WIDTH),
        }[leaf]
    if "norm" in leaf:
        return (WIDTH,)
    if leaf in ("conv", "conv2"):
        return (WIDTH, WIDTH, 3, 3)
    return (WIDTH, WIDTH, 1, 1) if leaf.startswith("proj_") and not layout.linear_projection else (WIDTH, WIDTH)


def clip_shapes() -> dict[str, tuple[int, ...]]:
    """A text encoder with Hugging Face's names."""
    shapes: dict[str, tuple[int, ...]] = {
        "text_model.embeddings.token_embedding.weight": (50, WIDTH),
        "text_model.embeddings.position_embedding.weight": (77, WIDTH),
    }
    shapes |= _affine("text_model.final_layer_norm", (WIDTH,))
    for layer in range(LAYERS):
        block = f"text_model.encoder.layers.{layer}"
        shapes |= _affine(f"{block}.layer_norm1", (WIDTH,)) | _affine(f"{block}.layer_norm2", (WIDTH,))
        for leaf in ("q_proj", "k_proj", "v_proj", "out_proj"):
            shapes |= _affine(f"{block}.self_attn.{leaf}", (WIDTH, WIDTH))
        shapes |= _affine(f"{block}.mlp.fc1", (INNER, WIDTH)) | _affine(f"{block}.mlp.fc2", (WIDTH, INNER))
    return shapes


def open_clip_shapes() -> dict[str, tuple[int, ...]]:
    """A text encoder with open_clip's names, q, k and v packed."""
    shapes: dict[str, tuple[int, ...]] = {
        "token_embedding.weight": (50, WIDTH),
        "positional_embedding": (77, WIDTH),
        "text_projection": (WIDTH, WIDTH),
    }
    shapes |= _affine("ln_final", (WIDTH,))
    for layer in range(LAYERS + 1):
        block = f"transformer.resblocks.{layer}"
        shapes |= _affine(f"{block}.ln_1", (WIDTH,)) | _affine(f"{block}.ln_2", (WIDTH,))
        shapes |= {f"{block}.attn.in_proj_weight": (3 * WIDTH, WIDTH), f"{block}.attn.in_proj_bias": (3 * WIDTH,)}
        shapes |= _affine(f"{block}.attn.out_proj", (WIDTH, WIDTH))
        shapes |= _affine(f"{block}.mlp.c_fc", (INNER, WIDTH)) | _affine(f"{block}.mlp.c_proj", (WIDTH, INNER))
    return shapes


def _affine(name: str, weight: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": weight, f"{name}.bias": weight[:1]}
