"""A captioner that names colours, and a CLIP whose weights are set by hand to do the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from lora_trainer import packages
from lora_trainer.captioning.base import Tag

COLOURS = {"red": (220, 20, 20), "green": (20, 200, 30), "blue": (20, 30, 220)}
WIDTH = 8


class ColourNamer:
    """The nearest colour of every picture; counts what it is asked."""

    name, identity = "colours", "colours"

    def __init__(self, lacks=None, fail_at=None, error=None):
        self.lacks, self.fail_at, self.error = lacks, fail_at, error
        self.batches, self.loads, self.closed = [], 0, 0

    def missing(self):
        return self.lacks

    def models(self):
        return []

    def load(self):
        self.loads += 1

    def caption(self, pictures):
        if self.fail_at is not None and len(self.batches) >= self.fail_at:
            raise self.error
        self.batches.append(len(pictures))
        return [(Tag(colour_of(picture), 0.9),) for picture in pictures]

    def close(self):
        self.closed += 1


def colour_of(picture):
    mean = np.asarray(picture, dtype=float).mean(axis=(0, 1))
    return min(COLOURS, key=lambda name: float(np.abs(mean - COLOURS[name]).sum()))


def colour_clip(folder: Path) -> Path:
    """An open_clip model in a folder, for which the pictures and texts of a colour are one direction.

    Each tower hands on what its tokens hold: attention is even and carries values unchanged, nothing else happens.
    """
    import torch
    from safetensors.torch import save_file

    open_clip = packages.open_clip()
    config = {
        "embed_dim": 3,
        "vision_cfg": {"image_size": 16, "layers": 1, "width": WIDTH, "head_width": WIDTH, "patch_size": 16},
        "text_cfg": {"context_length": 8, "vocab_size": 49408, "width": WIDTH, "heads": 1, "layers": 1},
    }
    model = open_clip.CLIP(**config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(1.0 if ".ln_" in f".{name}" and name.endswith("weight") else 0.0)
        for tower in (model.visual.transformer, model.transformer):
            attention = tower.resblocks[0].attn
            attention.in_proj_weight[2 * WIDTH :] = torch.eye(WIDTH)
            attention.out_proj.weight.copy_(torch.eye(WIDTH))
        for channel, name in enumerate(COLOURS):
            model.visual.conv1.weight[channel, channel] = 1 / 256
            token = open_clip.tokenize([name])[0, 1]
            model.token_embedding.weight[token, channel] = 1.0
            model.visual.proj[channel, channel] = model.text_projection[channel, channel] = 1.0
        model.logit_scale.fill_(2.0)
    folder.mkdir(parents=True, exist_ok=True)
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, folder / "model.safetensors")
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": {"size": 16}}))
    return folder
