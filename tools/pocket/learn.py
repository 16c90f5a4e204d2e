"""Shows that a LoRA learns on pocket: the made-up word draws its thing at strength 1, nothing of it at 0."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import torch
from PIL import Image
from torch import nn

from lora_trainer.pocket.grammar import COLORS, caption, random_scene
from lora_trainer.pocket.measure import share_right
from lora_trainer.pocket.novel import WORD, shows_novel, write_dataset
from tools.pocket.diffusion import ALPHAS
from tools.pocket.evaluate import load_averaged
from tools.pocket.progress import Log
from tools.pocket.sampling import Pocket, grid, to_tensor

STRENGTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
ATTENTION = ["to_q", "to_k", "to_v", "to_out.0"]
FEED_FORWARD = ["ff.net.0.proj", "ff.net.2"]


@dataclass
class LoraRun:
    """What a trial trains: the defaults are those that work best on pocket."""

    rank: int = 8
    alpha: float = 8.0
    rate: float = 2e-3
    steps: int = 800
    batch: int = 4
    snr_cap: float = 1.0  # 1: the plain epsilon loss; higher weighs high noise more, as pocket itself was trained
    targets: list[str] = field(default_factory=lambda: [*ATTENTION, *FEED_FORWARD])
    seed: int = 5


@dataclass(frozen=True)
class Learned:
    """What a trial measured: the share of pictures with the new thing per strength, and the base's own scores."""

    seconds: float
    shares: dict[float, float]
    base_score: float
    kept_score: float


def learn(work: Path, run: LoraRun | None = None) -> Learned:
    """The whole trial, logged to `learn.log`: 12 pictures, a LoRA, and a contact sheet of strengths (`learn.png`)."""
    log = Log(work / "learn.log")
    write_dataset(work / "novel")
    pocket = load_averaged(work)
    seconds = train_lora(pocket, work / "novel", run or LoraRun())
    learned = measure_learning(pocket, seconds, show=lambda pictures: grid(pictures, 12).save(work / "learn.png"))
    log(f"{run or LoraRun()}: {learned}")
    return learned


def train_lora(pocket: Pocket, folder: Path, run: LoraRun) -> float:
    """Injects an adapter into `pocket.unet` and trains it on the folder's pictures; returns the seconds it took."""
    from peft import LoraConfig, inject_adapter_in_model

    files = sorted(folder.glob("*.png"))
    pictures = to_tensor([Image.open(file).convert("RGB") for file in files])
    with torch.no_grad():
        latents = pocket.vae.encode(pictures).latent_dist.mean * pocket.scale
    conditioning = pocket.encode([file.with_suffix(".txt").read_text(encoding="utf-8") for file in files])
    config = LoraConfig(r=run.rank, lora_alpha=run.alpha, target_modules=run.targets)
    with torch.random.fork_rng():
        torch.manual_seed(run.seed)
        inject_adapter_in_model(config, pocket.unet)
    trained = [p for name, p in pocket.unet.named_parameters() if "lora_" in name]
    optimizer = torch.optim.AdamW(trained, run.rate)
    generator = torch.Generator().manual_seed(run.seed)
    start = time.monotonic()
    for step in range(run.steps):
        for group in optimizer.param_groups:
            group["lr"] = run.rate * min(1.0, (step + 1) / 20) * min(1.0, (run.steps - step) / (0.5 * run.steps))
        _step(pocket.unet, latents, conditioning, generator, run).backward()
        optimizer.step()
        optimizer.zero_grad()
    return time.monotonic() - start


def _step(
    unet: nn.Module, latents: torch.Tensor, conditioning: torch.Tensor, generator: torch.Generator, run: LoraRun
) -> torch.Tensor:
    index = torch.randint(len(latents), (run.batch,), generator=generator)
    t = torch.randint(0, 1000, (run.batch,), generator=generator)
    noise = torch.randn((run.batch, *latents.shape[1:]), generator=generator)
    alpha = ALPHAS[t].view(-1, 1, 1, 1)
    noisy = alpha.sqrt() * latents[index] + (1 - alpha).sqrt() * noise
    predicted = unet(noisy, t, conditioning[index]).sample
    weight = (1 / alpha.flatten()).clamp(max=run.snr_cap)  # (snr + 1) / snr = 1 / alphas_cumprod
    return ((predicted - noise).square().mean((1, 2, 3)) * weight).mean()


@contextmanager
def strength(unet: nn.Module, value: float) -> Iterator[None]:
    """Scales all adapters by `value` inside the block, as `<lora:name:value>` does in a prompt."""
    layers = [module for module in unet.modules() if hasattr(module, "scaling") and hasattr(module, "lora_A")]
    before = [dict(layer.scaling) for layer in layers]
    try:
        for layer, scaling in zip(layers, before):
            layer.scaling.update({name: scale * value for name, scale in scaling.items()})
        yield
    finally:
        for layer, scaling in zip(layers, before):
            layer.scaling.update(scaling)


def novel_prompts(count: int) -> list[str]:
    """Prompts with the new word, on backgrounds in turn."""
    return [f"a {WORD}, {color} background" for color in (list(COLORS) * count)[:count]]


def measure_learning(
    pocket: Pocket, seconds: float, count: int = 24, show: Callable[[Sequence[Image.Image]], None] | None = None
) -> Learned:
    """Draws with the word at each strength, and without it at 0 and 1; `show` gets all pictures in rows."""
    rng, pictures, shares = Random(99), [], {}
    for value in STRENGTHS:
        with strength(pocket.unet, value):
            images = pocket.draw(novel_prompts(count), 100)
        shares[value] = sum(map(shows_novel, images)) / count
        pictures += images[:12]
    scenes = [random_scene(rng) for _ in range(2 * count)]
    texts = [caption(scene, rng, complete=True) for scene in scenes]
    scores = []
    for value in (0.0, 1.0):
        with strength(pocket.unet, value):
            images = pocket.draw(texts, 300)
        scores.append(share_right(scenes, images).base_score)
        pictures += images[:12]
    if show:
        show(pictures)
    return Learned(seconds, shares, scores[0], scores[1])
