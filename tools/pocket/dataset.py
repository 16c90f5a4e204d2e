"""Scenes as latents, drawn and encoded once, with captions that are worded anew each time."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import torch

from lora_trainer.pocket.draw import draw
from lora_trainer.pocket.grammar import Scene, caption, random_scene
from tools.pocket.pictures import to_tensor
from tools.pocket.progress import Log
from tools.pocket.vocabulary import compact, made_up_word, tokenize
from tools.pocket.workers import Workers

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
def encode_scenes(vae: torch.nn.Module, chosen: list[Scene], log: Log, workers: Workers) -> torch.Tensor:
    """Mean latents of the scenes, (count, 4, 8, 8), not scaled; each process encodes its share of them."""
    latents = torch.zeros(len(chosen), 4, 8, 8)
    mine = workers.share(torch.arange(len(chosen)))
    for number, part in enumerate(mine.split(64)):
        latents[part] = vae.encode(to_tensor([draw(chosen[i]) for i in part.tolist()])).latent_dist.mean
        if number % 50 == 0:
            log(f"process {workers.rank}: encoded {number * 64} of {len(mine)} scenes")
    workers.sum(latents)
    return latents


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
