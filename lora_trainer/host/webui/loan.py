"""The WebUI's loaded model on loan: twins that share its tensors, and its own text conditioning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from ... import devices
from ...errors import UserError
from ...families.base import FAMILIES
from ...seeds import untouched_random_state
from ...sentences import Sentence
from ...text.prompt import drawn_text, escape
from ...twin.refill import Places
from ...twin.text import build_text_encoder, encoder_sources
from ...twin.unet import build_unet, live_heads, unet_sources
from ...twin.vae import build_vae
from ..base import Conditioning, Guest
from . import conditioning, selection
from .custody import Custody
from .kind import TEXT, UNET, VAE, kind
from .placement import fetch_before_each_call

if TYPE_CHECKING:
    from torch import Tensor, nn

FLOAT8 = "float8"
MOVES = 3
"""So often the model may be moved under one and the same work."""
REMEMBERED = 32
"""Texts whose conditioning is kept, at about 0.25 MB each."""

T = TypeVar("T")


class WebUILoan:
    """The model while it is lent. `give_way` is called before long work, so that nobody waits for all of it."""

    def __init__(self, custody: Custody, give_way: Callable[[], bool]) -> None:
        self._custody, self._give_way = custody, give_way
        self.info = selection.describe_model(custody.model)
        self.device, self.dtype = host_device(), compute_dtype(custody.model)
        self._family = FAMILIES.get(self.info.family)
        self._unet: nn.Module | None = None
        self._texts: list[nn.Module] = []
        self._vae: Any = None
        self._vae_dtype: torch.dtype | None = None
        self._places: list[tuple[str, Places, Callable[[], nn.Module], torch.dtype | None]] = []
        self._guests: list[Guest] = []
        self._conditionings: dict[tuple[tuple[str, ...], int], Conditioning] = {}

    def unet(self) -> nn.Module:
        if self._unet is None:
            kind().bring(self._model, UNET)
            live = self._model.model.diffusion_model
            dtype = self.dtype if _has_float8(live) else None
            with untouched_random_state():
                twin = build_unet(kind().tensors_of(live), heads=live_heads(live), dtype=dtype)
            self._remember(UNET, twin, unet_sources(twin), lambda: self._model.model.diffusion_model, dtype)
            fetch_before_each_call(twin, lambda: self._model.model)
            twin.register_forward_pre_hook(self._between_predictions)
            self._unet = twin
        return self._unet

    def text_encoders(self) -> list[nn.Module]:
        if self._model.lowvram:
            raise UserError(
                Sentence(
                    "medvram_text",
                    "The WebUI was started with --medvram, so U-Net and text encoder are never on the device together. "
                    "Switch network.train_text_encoder off, or start it without --medvram.",
                )
            )
        if not self._texts:
            kind().bring(self._model, TEXT)
            self._texts = [self._build_text(index) for index in range(len(self._family.text_parts))]
        return self._texts

    def encode_captions(self, captions: Sequence[str], *, clip_skip: int, max_tokens: int) -> Conditioning:
        return conditioning.cut(self._encode(map(escape, captions), clip_skip), max_tokens)

    def encode_prompts(self, prompts: Sequence[str], *, clip_skip: int) -> Conditioning:
        return self._encode(map(drawn_text, prompts), clip_skip)

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        return self._whole(lambda: self._with_vae(lambda vae: self._means(vae, pixels)))

    def decode_latents(self, latents: Tensor) -> Tensor:
        return self._whole(lambda: self._with_vae(lambda vae: self._pictures(vae, latents)))

    def sha256(self) -> str:
        """The host hashes the file when it loads it, unless it was told not to."""
        checkpoint = self._model.sd_checkpoint_info
        if not checkpoint.sha256:
            checkpoint.calculate_shorthash()
        return str(checkpoint.sha256 or "")

    def release(self, part: str) -> None:
        """The parts are the host's own and stay; only a copy of the VAE in another number format goes."""
        if part == "vae":
            self._vae = None

    def accompany(self, guest: Guest) -> None:
        self._guests.append(guest)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Inside, nothing of the run is on the device beside what is the host's own."""
        with ExitStack() as away:
            if self.device.type != "cpu":
                for guest in self._guests:
                    away.enter_context(guest.aside())
                devices.release_memory(self.device)
            yield

    def refill(self) -> None:
        """Share the tensors of the model that the host holds now, in the twins that there are already."""
        for part in {part for part, *_ in self._places}:
            kind().bring(self._model, part)
        for _, places, source, dtype in self._places:
            places.refill(kind().tensors_of(source()), dtype=dtype)
        self._vae = None

    def close(self) -> None:
        """Drop the twins."""
        self._unet, self._texts, self._vae = None, [], None
        self._places, self._guests, self._conditionings = [], [], {}

    @property
    def _model(self) -> Any:
        return self._custody.model

    def _encode(self, texts: Iterable[str], clip_skip: int) -> Conditioning:
        """The last ones are remembered: samples are mostly drawn of captions, and with the same negative prompt."""
        words = tuple(texts)
        known, key = self._conditionings, (words, clip_skip)
        if key not in known:
            known[key] = self._whole(lambda: conditioning.encode(self._model, words, clip_skip))
            if len(known) > REMEMBERED:
                del known[next(iter(known))]
        return known[key]

    def _whole(self, work: Callable[[], T]) -> T:
        """What `work` makes of the model; made anew where one of the host's buttons moved the model meanwhile."""
        self._give_way()
        for _ in range(MOVES):
            try:
                made = work()
            except RuntimeError:
                if not self._custody.moved:
                    raise
            else:
                if not self._custody.moved:
                    return made
            self._give_way()
        return work()

    def _between_predictions(self, twin: nn.Module, inputs: Any) -> None:
        """Samples and validations take many predictions; between two of them nothing is kept for a way back."""
        if not torch.is_grad_enabled():
            self._give_way()

    def _build_text(self, index: int) -> nn.Module:
        part, live = self._family.text_parts[index], self._live_text(index)
        tensors, dtype = kind().tensors_of(live), self.dtype if _is_cast(live) else None
        with untouched_random_state():
            twin = build_text_encoder(tensors, projected=part.projected, dtype=dtype, **text_hints(live))
        sources = encoder_sources(twin, tensors, projected=part.projected)
        self._remember(TEXT, twin, sources, lambda: self._live_text(index), dtype)
        return twin

    def _live_text(self, index: int) -> Any:
        embedder = self._model.conditioner.embedders[index] if self._model.is_sdxl else self._model.cond_stage_model
        inner = selection.wrapped(embedder)
        return inner.transformer if hasattr(inner, "transformer") else inner.model

    def _remember(
        self, part: str, twin: nn.Module, sources: Any, live: Callable[[], nn.Module], dtype: torch.dtype | None
    ) -> None:
        self._places.append((part, Places(twin, sources), live, dtype))

    def _with_vae(self, work: Callable[[Any], Tensor]) -> Tensor:
        """What `work` makes with the VAE; again in fp32, with a copy, where the host's format gives no numbers."""
        kind().bring(self._model, VAE)
        if self._vae is None:
            dtype = self._vae_dtype or _vae_dtype(self._model.first_stage_model, self.device)
            self._vae = self._build_vae(dtype)
        with torch.no_grad():
            made = work(self._vae)
            if not bool(made.isfinite().all()) and _dtype_of(self._vae) != torch.float32:
                self._vae, self._vae_dtype = self._build_vae(torch.float32), torch.float32
                made = work(self._vae)
        return made

    def _build_vae(self, dtype: torch.dtype) -> nn.Module:
        tensors = kind().tensors_of(self._model.first_stage_model)
        with untouched_random_state():
            return build_vae(tensors, latent_scale=self.info.latent_scale, dtype=dtype, device=self.device)

    def _means(self, vae: Any, pixels: Tensor) -> Tensor:
        mean = vae.encode(pixels.to(self.device, _dtype_of(vae))).latent_dist.mean
        return mean.float() * self.info.latent_scale

    def _pictures(self, vae: Any, latents: Tensor) -> Tensor:
        scaled = latents.to(self.device).float() / self.info.latent_scale
        return vae.decode(scaled.to(_dtype_of(vae))).sample.float()


def text_hints(live: Any) -> dict[str, Any]:
    """Heads and activation of a live text encoder, as `build_text_encoder` takes them."""
    config = getattr(live, "config", None)
    if config is not None:
        return {"heads": config.num_attention_heads, "activation": config.hidden_act}
    block = next(iter(live.transformer.resblocks.children()))
    quick = "Quick" in type(getattr(block.mlp, "gelu", None)).__name__
    return {"heads": int(block.attn.num_heads), "activation": "quick_gelu" if quick else "gelu"}


def host_device() -> torch.device:
    """Where the host computes."""
    from modules import devices as host

    return torch.device(host.device)


def compute_dtype(model: Any) -> torch.dtype:
    """The number format that the host's U-Net computes in; of one stored in fp8, what it is unpacked to."""
    from modules import devices as host

    stored = {parameter.dtype for parameter in model.model.diffusion_model.parameters()}
    wide = [dtype for dtype in stored if FLOAT8 not in str(dtype)]
    if len(wide) < len(stored):
        return torch.float32 if host_device().type == "cpu" else host.dtype
    return next(iter(wide)) if len(wide) == 1 else host.dtype_unet


def _has_float8(module: nn.Module) -> bool:
    return any(FLOAT8 in str(parameter.dtype) for parameter in module.parameters())


def _is_cast(text: nn.Module) -> bool:
    """Whether the host casts a text encoder at every use: Forge keeps embeddings in fp32 and the rest as it likes."""
    stored = {parameter.dtype for parameter in text.parameters()}
    half_on_cpu = torch.float16 in stored and host_device().type == "cpu"
    return len(stored) > 1 or half_on_cpu or _has_float8(text)


def _vae_dtype(live: nn.Module, device: torch.device) -> torch.dtype:
    """The host's own; fp16 is nothing for a CPU."""
    dtype = _dtype_of(live)
    return torch.float32 if dtype == torch.float16 and device.type == "cpu" else dtype


def _dtype_of(module: nn.Module) -> torch.dtype:
    return next(module.parameters()).dtype
