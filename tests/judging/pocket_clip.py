"""A small open_clip model that has learned, within a minute, to tell pocket's drawings apart by their captions."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from lora_trainer import packages
from lora_trainer.pocket.draw import draw
from lora_trainer.pocket.grammar import caption, random_scene

SIDE = 32
CONFIG = {
    "embed_dim": 48,
    "vision_cfg": {"image_size": SIDE, "layers": 3, "width": 96, "head_width": 24, "patch_size": 4},
    "text_cfg": {"context_length": 24, "vocab_size": 49408, "width": 48, "heads": 4, "layers": 2},
}
PREPROCESS = {"size": SIDE, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25], "interpolation": "bilinear"}


def train_clip(folder: Path, steps: int = 160, scenes: int = 2000, batch: int = 96, seed: int = 3) -> Path:
    """Contrastive training on drawings of one object and of two; the model lies in `folder` afterwards."""
    import torch
    from safetensors.torch import save_file

    from lora_trainer.vision.preprocessing import Preprocessing

    open_clip = packages.open_clip()
    rng = Random(seed)
    drawn = [random_scene(rng, 1 + (number % 4 == 0), None) for number in range(scenes)]
    prepared = Preprocessing.of(SIDE, PREPROCESS)([draw(scene) for scene in drawn])
    pixels = torch.from_numpy(prepared)
    torch.manual_seed(seed)
    model = open_clip.CLIP(**CONFIG)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)

    for _ in range(steps):
        chosen = rng.sample(range(scenes), batch)
        texts = open_clip.tokenize(
            [caption(drawn[number], rng) for number in chosen], CONFIG["text_cfg"]["context_length"]
        )
        images, words, scale = model(pixels[chosen], texts)
        logits = scale * images @ words.T
        wanted = torch.arange(batch)
        loss = (
            torch.nn.functional.cross_entropy(logits, wanted) + torch.nn.functional.cross_entropy(logits.T, wanted)
        ) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    folder.mkdir(parents=True, exist_ok=True)
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, folder / "model.safetensors")
    values = {"model_cfg": CONFIG, "preprocess_cfg": PREPROCESS}
    (folder / "open_clip_config.json").write_text(json.dumps(values), encoding="utf-8")
    return folder
