"""Trains pocket's U-Net and text encoder together, on latents of the drawn scenes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import nn

from lora_trainer.pocket import layout
from tools.pocket.dataset import caption_rows, encode_scenes, scenes
from tools.pocket.muon import muon_and_adamw, set_rate
from tools.pocket.progress import Average, Log, load_checkpoint, save_checkpoint
from tools.pocket.vae import build_vae
from tools.pocket.vocabulary import END, START, compact, kept_tokens
from tools.pocket.workers import Workers

ENDS = ("conv_in", "conv_out", "embedding", "time_emb")  # where matrices meet what is not a hidden state


@dataclass
class DiffusionTraining:
    """How the U-Net and the text encoder are trained: a warm-up, a constant rate, a decay from `decay_from` on.

    `snr_cap` bounds the weight (snr + 1) / snr of a sample's loss. An epsilon loss hardly weighs high noise, where
    colours are decided; once they are, the cap falls to `final_cap` over the steps of `cap_falls`, for the shapes.
    """

    steps: int = 3800
    decay_from: int = 2700
    batch: int = 64
    rate: float = 7e-4
    muon_factor: float = 2.0
    count: int = 24000
    snr_cap: float = 25.0
    final_cap: float = 5.0
    cap_falls: tuple[int, int] = (1200, 1900)
    seed: int = 30
    log_every: int = 50
    save_every: int = 200


def build_unet() -> nn.Module:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(**layout.UNET).to(memory_format=torch.channels_last)


def build_text_encoder() -> nn.Module:
    """The CLIP text encoder over the compact vocabulary, row 0 of which stays zero."""
    from transformers import CLIPTextConfig, CLIPTextModel

    start, end = compact(torch.tensor([START, END])).tolist()
    rows = len(kept_tokens()) + 1
    special = {"bos_token_id": start, "eos_token_id": end, "pad_token_id": end}
    encoder = CLIPTextModel(CLIPTextConfig(**{**layout.TEXT, "vocab_size": rows, **special}))
    body = text_body(encoder)
    body.embeddings.token_embedding.padding_idx = 0
    with torch.no_grad():
        body.embeddings.token_embedding.weight[0] = 0
        # The WebUI divides by the mean of the output when a prompt has emphasis: it must stay away from zero.
        body.final_layer_norm.bias.normal_(0.3, 0.1)
    body.final_layer_norm.bias.requires_grad_(False)
    return encoder


def text_body(encoder: nn.Module) -> Any:
    """The part with embeddings, layers and final norm (transformers 5 dropped the wrapper `text_model`)."""
    return getattr(encoder, "text_model", encoder)


def alphas_cumprod() -> torch.Tensor:
    """Stable Diffusion 1's schedule: 1000 betas, linear in their square roots."""
    return torch.cumprod(1 - torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2, 0).float()


def load_vae(work: Path) -> nn.Module:
    """The trained autoencoder with averaged weights."""
    state = load_checkpoint(work / "vae.pt")
    if state is None:
        raise SystemExit(f"{work / 'vae.pt'} is not there: run `python -m tools.pocket vae` first.")
    vae = build_vae()
    vae.load_state_dict(state["averaged"])
    return vae.eval().requires_grad_(False)


def load_latents(work: Path, settings: DiffusionTraining, log: Log, workers: Workers) -> dict[str, Any]:
    """Latents of all training scenes at a standard deviation of 1, and the scale that made it so."""
    file = work / "latents.pt"
    cached = load_checkpoint(file)
    if cached is None:
        latents = encode_scenes(load_vae(work), scenes(settings.count, settings.seed), log, workers)
        scale = 1 / latents.std().item()
        cached = {"latents": latents * scale, "scale": scale}
        if workers.first:
            save_checkpoint(file, cached)
    log(f"{len(cached['latents'])} latents, scale {cached['scale']:.5f}")
    return cached


def train_diffusion(work: Path, settings: DiffusionTraining, workers: Workers) -> None:
    """Trains on from the last checkpoint in the folder `work`, to `diffusion.pt`, written by the first worker."""
    workers.meet()
    log = Log(work / "diffusion.log")
    torch.manual_seed(settings.seed)
    unet, text = build_unet(), build_text_encoder()
    cached = load_latents(work, settings, log, workers)
    trained = [p for p in (*unet.parameters(), *text.parameters()) if p.requires_grad]
    optimizers = muon_and_adamw((unet, text), ENDS, settings.muon_factor, betas=(0.9, 0.99))
    average = Average((*unet.parameters(), *text.parameters()), 0.998)
    done = _resume(work / "diffusion.pt", unet, text, optimizers, average)
    chosen = scenes(settings.count, settings.seed)
    log(f"training from step {done}")
    losses = []
    for step in range(done, settings.steps):
        rate, cap = _schedule(step, settings)
        set_rate(optimizers, rate)
        loss = _loss(unet, text, cached["latents"], chosen, step, cap, settings, workers)
        unet.zero_grad()
        text.zero_grad()
        loss.backward()
        workers.average_gradients(trained)
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        for optimizer in optimizers:
            optimizer.step()
        average.update(step)
        losses.append(loss.item())
        if not workers.first:
            continue
        if (step + 1) % settings.log_every == 0:
            log(f"step {step + 1}: loss {sum(losses) / len(losses):.4f} rate {rate:.2e} cap {cap:.1f}")
            losses = []
        if (step + 1) % settings.save_every == 0 or step + 1 == settings.steps:
            state = _state(unet, text, optimizers, average, step + 1, cached["scale"])
            save_checkpoint(work / "diffusion.pt", state)


def _schedule(step: int, settings: DiffusionTraining) -> tuple[float, float]:
    """Learning rate and cap of the loss weight at a step."""
    first, last = settings.cap_falls
    fallen = min(1.0, max(0.0, (step - first) / (last - first)))
    cap = settings.snr_cap * (settings.final_cap / settings.snr_cap) ** fallen
    left = min(1.0, (settings.steps - step) / (settings.steps - settings.decay_from))
    return settings.rate * min((step + 1) / 200, 0.01 + 0.99 * left), cap


def _loss(
    unet: nn.Module,
    text: nn.Module,
    latents: torch.Tensor,
    chosen: list[Any],
    step: int,
    cap: float,
    settings: DiffusionTraining,
    workers: Workers,
) -> torch.Tensor:
    # All that is random at a step is drawn from the step's own seed: a resumed run goes on as if never stopped.
    generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + step)
    index = workers.share(torch.randint(len(chosen), (settings.batch,), generator=generator))
    clean = latents[index]
    wording = Random((settings.seed * 1_000_003 + step) * workers.count + workers.rank)
    rows = caption_rows([chosen[i] for i in index.tolist()], wording)
    # Timesteps spread evenly over the batch, for a calmer loss.
    spread = (torch.arange(settings.batch) + torch.rand(settings.batch, generator=generator)) / settings.batch
    t = workers.share((spread * 1000).long())
    noise = workers.share(torch.randn((settings.batch, *clean.shape[1:]), generator=generator))
    alpha = ALPHAS[t].view(-1, 1, 1, 1)
    noisy = alpha.sqrt() * clean + (1 - alpha).sqrt() * noise
    conditioning = text(input_ids=rows).last_hidden_state
    error = (unet(noisy, t, conditioning).sample - noise).square().mean((1, 2, 3))
    snr = ALPHAS[t] / (1 - ALPHAS[t])
    return (error * ((snr + 1) / snr).clamp(max=cap)).mean()


ALPHAS = alphas_cumprod()


def _state(
    unet: nn.Module, text: nn.Module, optimizers: list[torch.optim.Optimizer], average: Average, step: int, scale: float
) -> dict[str, Any]:
    names = [f"unet.{name}" for name, _ in unet.named_parameters()]
    names += [f"text.{name}" for name, _ in text.named_parameters()]
    return {
        "unet": unet.state_dict(),
        "text": text.state_dict(),
        "averaged": dict(zip(names, average.values)),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
        "step": step,
        "scale": scale,
    }


def _resume(
    file: Path, unet: nn.Module, text: nn.Module, optimizers: list[torch.optim.Optimizer], average: Average
) -> int:
    state = load_checkpoint(file)
    if state is None:
        return 0
    unet.load_state_dict(state["unet"])
    text.load_state_dict(state["text"])
    for optimizer, saved in zip(optimizers, state.get("optimizers", [])):
        optimizer.load_state_dict(saved)
    average.values = list(state["averaged"].values())
    return int(state["step"])
