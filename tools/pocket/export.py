"""Writes the trained networks as one checkpoint with the original (ldm) names, and the yaml that describes it."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor

from lora_trainer.checkpoints import TensorInfo, write_checkpoint
from lora_trainer.families.base import FAMILIES
from lora_trainer.files.atomic import write_text
from lora_trainer.pocket import layout
from lora_trainer.pocket.embedded import embedded_path
from lora_trainer.twin.sources import renamed, reverse
from lora_trainer.twin.text import canonical_key
from lora_trainer.twin.unet_keys import unet_modules
from lora_trainer.twin.vae_keys import original_vae_sources
from tools.pocket.evaluate import load_averaged
from tools.pocket.sampling import Pocket
from tools.pocket.vocabulary import kept_tokens

METADATA = {
    "format": "pt",
    "modelspec.sai_model_spec": "1.0.1",
    "modelspec.architecture": "stable-diffusion-v1",
    "modelspec.title": "pocket",
    "modelspec.resolution": f"{layout.PICTURE}x{layout.PICTURE}",
    "modelspec.prediction_type": "epsilon",
}


def export(work: Path, file: Path | None = None) -> Path:
    """Writes the averaged networks in fp16 to `file` (the package's assets by default), with yaml and config."""
    file = file or embedded_path()
    tensors = {key: tensor.half().contiguous() for key, tensor in original_tensors(load_averaged(work)).items()}
    infos = {key: TensorInfo(tuple(tensor.shape), tensor.dtype) for key, tensor in tensors.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    write_checkpoint(file, infos, tensors.__getitem__, METADATA)
    write_text(file.with_suffix(".yaml"), layout.webui_yaml(layout.ENCODER_FOLDER))
    (file.parent / layout.ENCODER_FOLDER).mkdir(exist_ok=True)
    write_text(file.parent / layout.ENCODER_FOLDER / "config.json", json.dumps(layout.text_config(), indent=2) + "\n")
    return file


def original_tensors(pocket: Pocket) -> dict[str, Tensor]:
    """All tensors of the three networks under their original names."""
    text_prefix = FAMILIES.get("sd1").text_parts[0].prefix
    modules = reverse(unet_modules(layout.unet_layout()))
    tensors = {
        f"model.diffusion_model.{renamed(key, modules)}": tensor for key, tensor in pocket.unet.state_dict().items()
    }
    autoencoder = with_usual_scale(pocket.vae.state_dict(), pocket.scale)
    sources = original_vae_sources(autoencoder, layout.vae_layout())
    tensors |= {f"first_stage_model.{key}": source.read(autoencoder) for key, source in sources.items()}
    for key, tensor in pocket.text.state_dict().items():
        if not key.endswith("position_ids"):
            name = canonical_key(key)
            tensors[text_prefix + name] = whole_vocabulary(tensor) if "token_embedding" in name else tensor
    return tensors


def with_usual_scale(autoencoder: dict[str, Tensor], scale: float) -> dict[str, Tensor]:
    """The autoencoder with latents so large that SD1's scale 0.18215 brings them to a deviation of 1.

    Loaders that know no other number (they read no yaml) then draw with pocket as well.
    """
    factor = scale / layout.LATENT_SCALE
    changed = {key: tensor.clone() for key, tensor in autoencoder.items()}
    channels = layout.VAE["latent_channels"]
    changed["quant_conv.weight"][:channels] *= factor
    changed["quant_conv.bias"][:channels] *= factor
    changed["quant_conv.bias"][channels:] += 2 * torch.log(torch.tensor(factor))  # the logarithm of the variance
    changed["post_quant_conv.weight"] /= factor
    return changed


def whole_vocabulary(compact_rows: Tensor) -> Tensor:
    """The embedding with CLIP's 49,408 rows: zero where no caption of the training could have a token."""
    whole = compact_rows.new_zeros(layout.TEXT["vocab_size"], compact_rows.shape[1])
    whole[torch.tensor(kept_tokens())] = compact_rows[1:]
    return whole
