"""Trains pocket's autoencoder: 64 x 64 pictures to 8 x 8 latents of 4 channels, and back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from lora_trainer.pocket import layout
from tools.pocket.pictures import picture_pool
from tools.pocket.progress import Average, Log, cosine_rate, load_checkpoint, save_checkpoint


@dataclass
class VaeTraining:
    """How the autoencoder is trained. Steps at which the pull of the latents starts to fade, and where it ends."""

    steps: int = 4200
    batch: int = 8
    rate: float = 7e-4
    pool: int = 24000
    pull_until: int = 700
    kl_weight: float = 2e-6
    seed: int = 20
    save_every: int = 200
    refine_steps: int = 2400
    refine_rate: float = 6e-4


def build_vae() -> torch.nn.Module:
    from diffusers import AutoencoderKL

    vae = AutoencoderKL(**layout.VAE)
    with torch.no_grad():
        # Latents start with little noise (a deviation of 0.05): from 1, the decoder takes long to trust them.
        vae.quant_conv.bias[4:] = -6.0
        vae.quant_conv.weight[4:] *= 0.1
    return vae


def train_vae(work: Path, settings: VaeTraining) -> None:
    """Trains on from the last checkpoint in the folder `work`, to `vae.pt` (live, averaged and optimizer state)."""
    log = Log(work / "vae.log")
    torch.manual_seed(settings.seed)
    vae = build_vae()
    optimizer = torch.optim.AdamW(vae.parameters(), settings.rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    average = Average(vae.parameters(), 0.998)
    done = _resume(work / "vae.pt", vae, optimizer, average)
    log(f"drawing {settings.pool} pictures")
    pool = torch.from_numpy(picture_pool(settings.pool, settings.seed))
    log(f"training from step {done}")
    losses: list[np.ndarray] = []
    for step in range(done, settings.steps):
        generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + step)
        pictures = _batch(pool, settings.batch, generator)
        for group in optimizer.param_groups:
            group["lr"] = cosine_rate(step, settings.steps, settings.rate)
        losses.append(_train_step(vae, optimizer, pictures, generator, step, settings))
        average.update(step)
        if step % 50 == 49:
            error, edges, pull, kl = np.mean(losses, axis=0)
            log(f"step {step + 1}: L1 {error:.4f} edges {edges:.4f} pull {pull:.4f} kl {kl:.2f}")
            losses = []
        if (step + 1) % settings.save_every == 0 or step + 1 == settings.steps:
            save_checkpoint(work / "vae.pt", _state(vae, optimizer, average, step + 1))


def refine_decoder(work: Path, settings: VaeTraining) -> None:
    """Trains the decoder on with the encoder as it is, to `decoder.pt`: latents, and so the U-Net, stay valid."""
    log = Log(work / "decoder.log")
    vae = build_vae()
    first = load_checkpoint(work / "vae.pt")
    if first is None:
        raise SystemExit(f"{work / 'vae.pt'} is not there: run `python -m tools.pocket vae` first.")
    vae.load_state_dict(first["averaged"])
    vae.encoder.requires_grad_(False)
    vae.quant_conv.requires_grad_(False)
    trained = [p for p in vae.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, settings.refine_rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    average = Average(vae.parameters(), 0.998)
    done = _resume(work / "decoder.pt", vae, optimizer, average)
    pool = torch.from_numpy(picture_pool(settings.pool, settings.seed + 1, grammar_share=0.7))
    losses: list[np.ndarray] = []
    log(f"refining from step {done}")
    for step in range(done, settings.refine_steps):
        generator = torch.Generator().manual_seed((settings.seed + 1) * 1_000_003 + step)
        pictures = _batch(pool, settings.batch, generator)
        for group in optimizer.param_groups:
            group["lr"] = cosine_rate(step, settings.refine_steps, settings.refine_rate)
        losses.append(_refine_step(vae, optimizer, pictures, generator))
        average.update(step)
        if step % 50 == 49:
            error, edges = np.mean(losses, axis=0)
            log(f"step {step + 1}: L1 {error:.4f} edges {edges:.4f}")
            losses = []
        if (step + 1) % settings.save_every == 0 or step + 1 == settings.refine_steps:
            save_checkpoint(work / "decoder.pt", _state(vae, optimizer, average, step + 1))


def _refine_step(
    vae: torch.nn.Module, optimizer: torch.optim.Optimizer, pictures: torch.Tensor, generator: torch.Generator
) -> np.ndarray:
    with torch.autocast("cpu", torch.bfloat16):
        with torch.no_grad():
            latents = vae.encode(pictures).latent_dist.mean
        # Noise of up to a tenth of the latents' deviation: what the U-Net draws is never exact.
        level = 0.06 * torch.rand((len(latents), 1, 1, 1), generator=generator)
        decoded = vae.decode(latents + level * torch.randn(latents.shape, generator=generator)).sample
    decoded = decoded.float()
    error, edges = F.l1_loss(decoded, pictures), _edge_loss(decoded, pictures)
    loss = error + edges + F.mse_loss(decoded, pictures)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_([p for p in vae.parameters() if p.grad is not None], 1.0)
    optimizer.step()
    return np.array([error.item(), edges.item()])


def _batch(pool: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """Random pictures of the pool as (count, 3, 64, 64) in -1 ... 1."""
    chosen = torch.randint(len(pool), (count,), generator=generator)
    return pool[chosen].permute(0, 3, 1, 2).float() / 127.5 - 1


def _train_step(
    vae: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    pictures: torch.Tensor,
    generator: torch.Generator,
    step: int,
    settings: VaeTraining,
) -> np.ndarray:
    with torch.autocast("cpu", torch.bfloat16):
        posterior = vae.encode(pictures).latent_dist
        latents = posterior.mean + posterior.std * torch.randn(posterior.mean.shape, generator=generator)
        decoded = vae.decode(latents).sample
    decoded = decoded.float()
    error = F.l1_loss(decoded, pictures)
    edges = _edge_loss(decoded, pictures)
    # Without this pull the encoder finds the colours late or never: the first three channels start as a thumbnail.
    thumbnail = F.avg_pool2d(pictures, 8)
    pull = F.mse_loss(posterior.mean[:, :3].float(), thumbnail)
    pull_weight = max(0.02, 1 - step / settings.pull_until)
    kl = posterior.kl().float().mean()
    loss = error + 0.5 * edges + F.mse_loss(decoded, pictures) + pull_weight * pull + settings.kl_weight * kl
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
    optimizer.step()
    return np.array([error.item(), edges.item(), pull.item(), kl.item()])


def _edge_loss(decoded: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
    """L1 between the differences of neighbouring pixels: blurred outlines cost more than shifted tones."""
    difference = decoded - pictures
    return (difference.diff(dim=-1).abs().mean() + difference.diff(dim=-2).abs().mean()) / 2


def _state(vae: torch.nn.Module, optimizer: torch.optim.Optimizer, average: Average, step: int) -> dict[str, object]:
    names = [name for name, _ in vae.named_parameters()]
    averaged = {name: value.clone() for name, value in zip(names, average.values)}
    return {"live": vae.state_dict(), "averaged": averaged, "optimizer": optimizer.state_dict(), "step": step}


def _resume(file: Path, vae: torch.nn.Module, optimizer: torch.optim.Optimizer, average: Average) -> int:
    state = load_checkpoint(file)
    if state is None:
        return 0
    vae.load_state_dict(state["live"])
    optimizer.load_state_dict(state["optimizer"])
    average.values = list(state["averaged"].values())
    return int(state["step"])
