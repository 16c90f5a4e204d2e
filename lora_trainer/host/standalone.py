"""The host without a WebUI: it loads a base from a file part by part, and drops each part that is not needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import devices
from ..checkpoints import Checkpoint, open_checkpoint
from ..config import BaseOptions, MemoryOptions, TrainConfig
from ..errors import LoraExists
from ..families.detect import UNET, detect
from ..pocket.embedded import embedded_path, is_embedded
from ..sentences import lora_exists
from .base import BaseInfo, Card, Conditioning, Guest, Published

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ..studio import LoanStudio

DATA_FOLDER = ".train-lora"
VAE = "first_stage_model."


class StandaloneHost:
    """Holds a checkpoint, a diffusers folder or the embedded base. Nothing heavy happens before `lend`."""

    kind = "standalone"

    def __init__(
        self,
        base: BaseOptions,
        memory: MemoryOptions,
        lora_folder: Path | None = None,
        data_folder: Path | None = None,
    ) -> None:
        self._base, self._memory = base, memory
        self._lora_folder = lora_folder or Path("out")
        self._data_folder = data_folder or Path(DATA_FOLDER)
        self._info: BaseInfo | None = None

    @property
    def path(self) -> Path:
        """The base's file or folder."""
        name = self._base.checkpoint
        return embedded_path() if is_embedded(name) else Path(name).expanduser()

    def describe(self) -> BaseInfo:
        """What the headers tell. Raises BaseModelError for what cannot be trained on."""
        if self._info is None:
            with open_checkpoint(self.path) as checkpoint:
                self._info = self._detected(checkpoint)
        return self._info

    def settle(self, config: TrainConfig) -> TrainConfig:
        """The options name the base here; nothing is decided for them."""
        return config

    @contextmanager
    def lend(self) -> Iterator[StandaloneLoan]:
        """The base on the device and in the precision that the options ask for."""
        device = devices.choose(self._memory.device)
        with open_checkpoint(self.path) as checkpoint:
            loan = StandaloneLoan(checkpoint, self._detected(checkpoint), self._base, self._memory, device)
            try:
                yield loan
            finally:
                loan.close()

    @property
    def device(self) -> str:
        """Where the base comes up, unless a run's options name another device."""
        return self._memory.device

    def configured(self, config: TrainConfig) -> StandaloneHost:
        """The same base with what a run's options say of everything else."""
        memory = config.memory if config.memory.device != "auto" else replace(config.memory, device=self.device)
        return StandaloneHost(self.elsewhere(config).base, memory, self._lora_folder, self._data_folder)

    def elsewhere(self, config: TrainConfig) -> TrainConfig:
        """A run's options with this base, which any process can open."""
        return replace(config, base=replace(config.base, checkpoint=self._base.checkpoint))

    def give_way(self) -> bool:
        """Nobody else waits for this model."""
        return False

    @contextmanager
    def studio(self, files: Sequence[Path]) -> Iterator[LoanStudio]:
        """Pictures with one loan; prompts may name files in the LoRA folder by tags."""
        from ..studio import LoanStudio

        with self.lend() as loan:
            studio = LoanStudio(loan, self._find_lora)
            try:
                yield studio
            finally:
                studio.close()

    def lora_folder(self) -> Path:
        return self._lora_folder

    def model_folders(self) -> list[Path]:
        """The LoRA folder, and the base and VAE themselves: what else lies beside them is nobody's business."""
        vae = [Path(self._base.vae)] if self._base.vae else []
        return [self._lora_folder, self.path, *vae]

    def data_folder(self) -> Path:
        return self._data_folder

    def publish(self, file: Path, card: Card, *, replace: bool = False) -> Published:
        """Copy the file into the LoRA folder with its card, and read it back. See Host."""
        from ..files.copy import copy_lora
        from ..files.read import read_lora
        from ..files.sidecar import write_card

        target = self._lora_folder / file.name
        if not (target.exists() and target.samefile(file)):
            if target.exists() and not replace:
                raise LoraExists(lora_exists(file.stem))
            copy_lora(file, target)
        read_lora(target).usable("be used")
        return Published(target.stem, target, tuple(write_card(target, card)))

    def _find_lora(self, name: str) -> Path | None:
        return next((path for path in self._lora_folder.rglob("*.safetensors") if path.stem == name), None)

    def _detected(self, checkpoint: Checkpoint) -> BaseInfo:
        base = self._base
        found = detect(
            checkpoint,
            family=base.family,
            prediction_type=base.prediction_type,
            zero_terminal_snr=base.zero_terminal_snr,
        )
        if found.prediction_known:
            return found.info
        return replace(found.info, prediction_type=_probed(checkpoint, found.info))


def _probed(checkpoint: Checkpoint, info: BaseInfo) -> str:
    """What an SD2 base predicts that does not say so."""
    from ..families.sd2 import probe_prediction

    return probe_prediction(_build_unet(checkpoint))


def _build_unet(checkpoint: Checkpoint, **placement: Any) -> nn.Module:
    from ..twin.unet import build_unet

    hints = checkpoint.hints
    return build_unet(checkpoint.part(UNET), heads=hints.heads, head_channels=hints.head_channels, **placement)


class StandaloneLoan:
    """Parts of an open checkpoint, read when they are first asked for and dropped when they are released."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        info: BaseInfo,
        base: BaseOptions,
        memory: MemoryOptions,
        device: torch.device,
    ) -> None:
        from ..families.base import FAMILIES

        self.info, self.device = info, device
        self.dtype = devices.choose_dtype(memory.precision, device)
        self._checkpoint, self._base, self._memory = checkpoint, base, memory
        self._family = FAMILIES.get(info.family)
        self._parts: dict[str, Any] = {}
        self._sha256 = ""

    def sha256(self) -> str:
        """Of the base's whole file; reads it the first time."""
        self._sha256 = self._sha256 or self._checkpoint.sha256()
        return self._sha256

    def unet(self) -> nn.Module:
        return self._part("unet", self._load_unet)

    def text_encoders(self) -> list[nn.Module]:
        return self._part("text", self._load_text_encoders)

    def encode_captions(self, captions: Sequence[str], *, clip_skip: int, max_tokens: int) -> Conditioning:
        from ..text.tokens import tokenize_captions

        return self._encode(tokenize_captions(self.info.family, captions, max_tokens=max_tokens), clip_skip)

    def encode_prompts(self, prompts: Sequence[str], *, clip_skip: int) -> Conditioning:
        from ..text.tokens import tokenize_prompts

        return self._encode(tokenize_prompts(self.info.family, prompts), clip_skip)

    def encode_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        import torch

        vae = self._vae()
        with torch.no_grad():
            mean = vae.encode(pixels.to(self.device, self._vae_dtype())).latent_dist.mean
        return mean.float() * self.info.latent_scale

    def decode_latents(self, latents: torch.Tensor) -> torch.Tensor:
        import torch

        vae = self._vae()
        scaled = latents.to(self.device).float() / self.info.latent_scale
        with torch.no_grad():
            return vae.decode(scaled.to(self._vae_dtype())).sample.float()

    def release(self, part: str) -> None:
        if self._parts.pop(part, None) is not None:
            devices.release_memory(self.device)

    def accompany(self, guest: Guest) -> None:
        """Nobody else wants this base, so nothing ever has to step aside."""

    def close(self) -> None:
        """Drop everything."""
        self._parts.clear()
        devices.release_memory(self.device)

    def _part(self, name: str, load: Callable[[], Any]) -> Any:
        if name not in self._parts:
            self._parts[name] = load()
        return self._parts[name]

    def _encode(self, tokens: Any, clip_skip: int) -> Conditioning:
        import torch

        from ..text.encode import encode

        with torch.no_grad():
            return encode(self._family, self.text_encoders(), tokens, clip_skip=clip_skip)

    def _load_unet(self) -> nn.Module:
        from ..twin.packing import pack

        unet = _build_unet(self._checkpoint, dtype=self.dtype, device=self.device)
        if self._memory.packing:
            pack(unet)  # nobody else needs these weights as they were
        return unet

    def _load_text_encoders(self) -> list[nn.Module]:
        from ..twin.text import build_text_encoder

        encoders = []
        for index, part in enumerate(self._family.text_parts):
            hints = self._checkpoint.hints.of_text(index)
            encoders.append(
                build_text_encoder(
                    self._checkpoint.part(part.prefix),
                    projected=part.projected,
                    heads=hints.heads,
                    activation=hints.activation,
                    dtype=self.dtype,
                    device=self.device,
                )
            )
        return encoders

    def _vae(self) -> Any:
        return self._part("vae", self._load_vae)

    def _load_vae(self) -> nn.Module:
        import torch

        vae: Any = self._build_vae()
        if self.device.type == "cpu":  # a tenth faster; the decoder is too seldom used to be turned as well
            vae.encoder.to(memory_format=torch.channels_last)
        return vae

    def _build_vae(self) -> nn.Module:
        from ..twin.vae import build_vae

        placement = {"latent_scale": self.info.latent_scale, "dtype": self._vae_dtype(), "device": self.device}
        if not self._base.vae:
            return build_vae(self._checkpoint.part(VAE), **placement)
        with open_checkpoint(Path(self._base.vae).expanduser()) as file:
            prefix = VAE if any(key.startswith(VAE) for key in file.keys()) else ""  # noqa: SIM118
            return build_vae(file.part(prefix), **placement)

    def _vae_dtype(self) -> torch.dtype:
        """fp16 overflows in many VAEs; on a CPU bf16 is slower than fp32 as well, and only rounds."""
        import torch

        small = self.dtype == torch.bfloat16 and self.device.type != "cpu"
        return torch.bfloat16 if small else torch.float32
