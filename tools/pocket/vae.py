"""Trains pocket's autoencoder: 64 x 64 pictures to 8 x 8 latents of 4 channels, and back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from lora_trainer.pocket import layout
from tools.pocket.muon import muon_and_adamw, set_rate
from tools.pocket.pictures import picture_pool
from tools.pocket.progress import Average, Log, cosine_rate, load_checkpoint, save_checkpoint
from tools.pocket.workers import Workers

ENDS = ("conv_in", "conv_out", "quant_conv")  # where kernels meet pixels or latents


@dataclass
class VaeTraining:
    """How the autoencoder is trained. Steps at which the pull of the latents starts to fade, and where it ends."""

    steps: int = 1500
    batch: int = 8
    rate: float = 7e-4
    muon_factor: float = 2.0
    pool: int = 24000
    pull_until: int = 700
    kl_weight: float = 2e-6
    seed: int = 20
    save_every: int = 200


def build_vae() -> torch.nn.Module:
    from diffusers import AutoencoderKL

    vae = AutoencoderKL(**layout.VAE).to(memory_format=torch.channels_last)
    with torch.no_grad():
        # Latents start with little noise (a deviation of 0.05): from 1, the decoder takes long to trust them.
        vae.quant_conv.bias[4:] = -6.0
        vae.quant_conv.weight[4:] *= 0.1
    return vae


def train_vae(work: Path, settings: VaeTraining, workers: Workers) -> None:
    """Trains on from the last checkpoint in the folder `work`, to `vae.pt` (live, averaged and optimizer state)."""
    workers.meet()
    log = Log(work / "vae.log")
    torch.manual_seed(settings.seed)
    vae = build_vae()
    optimizers = muon_and_adamw([vae], ENDS, settings.muon_factor, betas=(0.9, 0.98))
    average = Average(vae.parameters(), 0.998)
    done = _resume(work / "vae.pt", vae, optimizers, average)
    log(f"process {workers.rank}: drawing {settings.pool} pictures")
    pool = torch.from_numpy(picture_pool(settings.pool, settings.seed))
    log(f"training from step {done}")
    losses: list[np.ndarray] = []
    for step in range(done, settings.steps):
        generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + step)
        set_rate(optimizers, cosine_rate(step, settings.steps, settings.rate))
        losses.append(_train_step(vae, optimizers, pool, generator, step, settings, workers))
        average.update(step)
        if not workers.first:
            continue
        if step % 50 == 49:
            error, edges, pull, kl = np.mean(losses, axis=0)
            log(f"step {step + 1}: L1 {error:.4f} edges {edges:.4f} pull {pull:.4f} kl {kl:.2f}")
            losses = []
        if (step + 1) % settings.save_every == 0 or step + 1 == settings.steps:
            save_checkpoint(work / "vae.pt", _state(vae, optimizers, average, step + 1))


def _train_step(
    vae: torch.nn.Module,
    optimizers: list[torch.optim.Optimizer],
    pool: torch.Tensor,
    generator: torch.Generator,
    step: int,
    settings: VaeTraining,
    workers: Workers,
) -> np.ndarray:
    chosen = workers.share(torch.randint(len(pool), (settings.batch,), generator=generator))
    pictures = pool[chosen].permute(0, 3, 1, 2).float() / 127.5 - 1  # uint8 (n, 64, 64, 3): stays channels_last
    posterior = vae.encode(pictures).latent_dist
    noise = workers.share(torch.randn((settings.batch, *posterior.mean.shape[1:]), generator=generator))
    decoded = vae.decode(posterior.mean + posterior.std * noise).sample
    error = F.l1_loss(decoded, pictures)
    edges = _edge_loss(decoded, pictures)
    # Without this pull the encoder finds the colours late or never: the first three channels start as a thumbnail.
    thumbnail = F.avg_pool2d(pictures, 8)
    pull = F.mse_loss(posterior.mean[:, :3], thumbnail)
    pull_weight = max(0.02, 1 - step / settings.pull_until)
    kl = posterior.kl().mean()
    loss = error + 0.5 * edges + F.mse_loss(decoded, pictures) + pull_weight * pull + settings.kl_weight * kl
    vae.zero_grad()
    loss.backward()
    workers.average_gradients(list(vae.parameters()))
    torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
    return np.array([error.item(), edges.item(), pull.item(), kl.item()])


def _edge_loss(decoded: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
    """L1 between the differences of neighbouring pixels: blurred outlines cost more than shifted tones."""
    difference = decoded - pictures
    return (difference.diff(dim=-1).abs().mean() + difference.diff(dim=-2).abs().mean()) / 2


def _state(
    vae: torch.nn.Module, optimizers: list[torch.optim.Optimizer], average: Average, step: int
) -> dict[str, object]:
    names = [name for name, _ in vae.named_parameters()]
    averaged = {name: value.clone() for name, value in zip(names, average.values)}
    return {
        "live": vae.state_dict(),
        "averaged": averaged,
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
        "step": step,
    }


def _resume(file: Path, vae: torch.nn.Module, optimizers: list[torch.optim.Optimizer], average: Average) -> int:
    state = load_checkpoint(file)
    if state is None:
        return 0
    vae.load_state_dict(state["live"])
    for optimizer, saved in zip(optimizers, state["optimizers"]):
        optimizer.load_state_dict(saved)
    average.values = list(state["averaged"].values())
    return int(state["step"])
