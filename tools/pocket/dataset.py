"""Scenes as latents, drawn and encoded once, with captions that are worded anew each time."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import torch

from lora_trainer.pocket.draw import draw
from lora_trainer.pocket.grammar import Scene, caption, random_scene
from tools.pocket.progress import Log
from tools.pocket.vocabulary import compact, made_up_word, tokenize

CAPTION_DROPOUT = 0.12


def scenes(count: int, seed: int) -> list[Scene]:
    """The training scenes, none of a held-out combination: mostly one object, a fifth two, a few backgrounds alone."""
    rng = Random(seed)
    chosen = []
    for _ in range(count):
        kind = rng.random()
        scene = random_scene(rng, 2 if kind < 0.2 else 1)
        chosen.append(replace(scene, objects=()) if kind > 0.97 else scene)
    return chosen


@torch.no_grad()
def encode_scenes(vae: torch.nn.Module, chosen: list[Scene], log: Log) -> torch.Tensor:
    """Mean latents of the scenes, (count, 4, 8, 8) fp16, not scaled."""
    parts = []
    for start in range(0, len(chosen), 64):
        pictures = np.stack([np.asarray(draw(scene)) for scene in chosen[start : start + 64]])
        tensor = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
        with torch.autocast("cpu", torch.bfloat16):
            parts.append(vae.encode(tensor).latent_dist.mean.half())
        if start % 6400 == 0:
            log(f"encoded {start} of {len(chosen)} scenes")
    return torch.cat(parts)


def training_caption(scene: Scene, rng: Random) -> str:
    """A caption for a training step: sometimes empty (for guidance), sometimes with words that mean nothing to pocket.

    The base must draw what it knows of a caption and pass over the rest: a LoRA's new word is such a rest.
    """
    chance = rng.random()
    if chance < CAPTION_DROPOUT:
        return ""
    text = f"{scene.background} background" if not scene.objects else caption(scene, rng)
    if chance < 0.72:
        return text
    word = made_up_word(rng)
    if scene.objects and chance > 0.94:
        thing = rng.choice(scene.objects)
        known = rng.choice((f"{thing.color} {thing.shape}", thing.shape))
        return text.replace(known, word, 1)
    places = (f"{word}, {text}", f"{text}, {word}", f"a {word}, {text}", f"{text} {word}", f"{word} {text}")
    return rng.choice(places) if chance < 0.88 else text.replace("a ", f"a {word} ", 1)


def caption_rows(chosen: list[Scene], rng: Random) -> torch.Tensor:
    """Row numbers (count, 77) of the compact vocabulary for one batch of scenes, newly worded."""
    return compact(torch.tensor([tokenize(training_caption(scene, rng)) for scene in chosen]))
