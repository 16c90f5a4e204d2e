"""The Host protocol: everything that the trainer may ask of whoever holds the base model."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image
    from torch import nn

    from ..captioning.base import Build
    from ..config import TrainConfig
    from ..events import Event
    from ..sampling.infotext import Infotext
    from ..sampling.request import Request


@dataclass(frozen=True)
class BaseInfo:
    """What is known of a base without touching its weights.

    `latent_scale` is the factor between what the VAE gives and what the U-Net sees; `native_resolution` the side in
    pixels that it was trained at; `sha256` is that of the whole file, where it is known already. `blocks` are those
    that a LoRA can go into ('down.0', 'mid', 'text.11' ...), `conv_blocks` those that only its convolutions reach; both
    are empty where nobody looked.
    """

    name: str
    family: str
    prediction_type: str = "epsilon"
    zero_terminal_snr: bool = False
    latent_scale: float = 0.18215
    native_resolution: int = 512
    path: str = ""
    sha256: str = ""
    blocks: tuple[str, ...] = ()
    conv_blocks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Conditioning:
    """What the text encoders make of n captions: `context` (n, tokens, width), `pooled` (n, width) for SDXL."""

    context: torch.Tensor
    pooled: torch.Tensor | None = None

    def __getitem__(self, rows: slice | Sequence[int]) -> Conditioning:
        return Conditioning(self.context[rows], None if self.pooled is None else self.pooled[rows])

    def to(self, device: torch.device, dtype: torch.dtype | None = None) -> Conditioning:
        pooled = None if self.pooled is None else self.pooled.to(device, dtype)
        return Conditioning(self.context.to(device, dtype), pooled)


class Guest(Protocol):
    """What a run keeps on the device beside the base."""

    def aside(self) -> AbstractContextManager[None]:
        """Inside, it is not on the device; afterwards it is again, as it was to the bit."""


class Loan(Protocol):
    """A base model while it is lent. Parts come up when they are first asked for, and go when they are released."""

    info: BaseInfo
    device: torch.device
    dtype: torch.dtype

    def unet(self) -> nn.Module:
        """The U-Net as a diffusers UNet2DConditionModel, frozen, in eval mode, sharing the base's storage."""

    def text_encoders(self) -> list[nn.Module]:
        """The text encoders as transformers CLIPTextModel / CLIPTextModelWithProjection twins, frozen."""

    def encode_captions(self, captions: Sequence[str], *, clip_skip: int, max_tokens: int) -> Conditioning:
        """Captions (literally: no emphasis syntax) as the host's own generation would encode them; no gradients."""

    def encode_prompts(self, prompts: Sequence[str], *, clip_skip: int) -> Conditioning:
        """Prompts with the host's emphasis syntax, all padded to the same number of tokens; no gradients."""

    def encode_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        """Pictures (n, 3, h, w) in -1..1 as scaled latents (n, 4, h/8, w/8), fp32: the distribution's mean."""

    def decode_latents(self, latents: torch.Tensor) -> torch.Tensor:
        """Scaled latents (n, 4, h, w) as pictures (n, 3, 8h, 8w) in -1..1, fp32."""

    def sha256(self) -> str:
        """Of the base's whole file; may take seconds the first time."""

    def release(self, part: str) -> None:
        """Take `part` ('vae', 'text' or 'unet') off the device; it comes back when it is asked for again."""

    def accompany(self, guest: Guest) -> None:
        """Tell what the run keeps on the device, so that it can step aside while others have the base."""


@dataclass(frozen=True)
class LoraUse:
    """A LoRA file in a picture, with the strength of `<lora:name:strength>`."""

    file: Path
    strength: float


@dataclass(frozen=True)
class Drawn:
    """A picture that the host's own pipeline drew. `infotext` draws it again when it is pasted into txt2img."""

    image: Image
    infotext: Infotext | str


class Studio(Protocol):
    """Draws pictures with LoRA files that are being tried out."""

    def draw(self, request: Request, loras: Sequence[LoraUse] = ()) -> Drawn:
        """One picture. The prompt may hold tags of other LoRAs. Raises UserError when the host was interrupted."""


@dataclass(frozen=True)
class Card:
    """What a host shows of a LoRA beside its name: trigger word, preferred strength, notes, and a picture."""

    trigger_word: str = ""
    strength: float = 1.0
    family: str = ""
    notes: str = ""
    preview: Path | None = None


@dataclass(frozen=True)
class Published:
    """A LoRA that the host lists now. `name` stands in `<lora:name:1>`; `remarks` is what the user should know."""

    name: str
    file: Path
    remarks: tuple[str, ...] = ()


class Host(Protocol):
    """Who holds the base model, and what it does for a training."""

    kind: str
    """'webui', 'standalone' ...: what a page says of it."""

    def describe(self) -> BaseInfo:
        """The model that is held now. Raises BaseModelError when there is none or it cannot be trained."""

    def settle(self, config: TrainConfig) -> TrainConfig:
        """`config` with what the host itself decides, as one that holds its base already does of the base's options.

        Raises BaseModelError as `describe` does, and BaseAway when the run is for another base than the held one.
        """

    def lend(self) -> AbstractContextManager[Loan]:
        """Hand over the model; on leaving, everything is as it was, whatever happened."""

    def give_way(self) -> bool:
        """Before a micro-batch: let whoever waits for the model have it; True when the model was away.

        Raises BaseAway when another base was selected meanwhile.
        """

    def studio(self, files: Sequence[Path]) -> AbstractContextManager[Studio]:
        """Draw, with these LoRA files if any, which the host sees only inside. Not while the model is lent."""

    def lora_folder(self) -> Path:
        """Where finished LoRA files belong."""

    def data_folder(self) -> Path:
        """A private folder for data sets and runs, under the host's data path; its name begins with a dot."""

    def publish(self, file: Path, card: Card, *, replace: bool = False) -> Published:
        """Put a finished file into the LoRA folder under its own name, and read it back through the host's own loader.

        Raises LoraExists when one of that name is there and is not to be replaced, FileFormatError when the host's
        loader leaves out keys.
        """


class Companion(Protocol):
    """What a host may have beside that. Jobs look for each of these by its name, and go without where it is missing."""

    gives_way: bool
    """A switch: whether `give_way` lets pictures come in between. Missing: nobody else wants the model."""

    drawing: bool
    """Whether the host is drawing for its own users at the moment."""

    on_interrupt: Callable[[], None] | None
    """Set while a job runs: what the host calls when its own Interrupt is pressed (not for a picture in between)."""

    def configured(self, config: TrainConfig) -> Host:
        """The host with what a run's options say of device, precision and VAE, where these are its to choose."""

    device: str
    """The name of the device that the held base is on, or comes up on. Missing: 'auto'."""

    def elsewhere(self, config: TrainConfig) -> TrainConfig | None:
        """A run's options as a process without this host needs them; None where it could not open the base."""

    def captioners(self) -> Mapping[str, Build]:
        """Captioners that only this host has, by their names."""

    def model_folders(self) -> Sequence[Path]:
        """Files and folders of models that a page may name also where others can reach it."""

    def watch(self, event: Event) -> None:
        """Told every event of the running job, for the host's own progress display."""


def is_this_machine(address: str) -> bool:
    """Whether a server at this address is reached by this machine's own programs alone."""
    if address.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def host_for(host: Host, config: TrainConfig) -> Host:
    """The host as a run with these options has it: a `Companion`'s `configured` where it has one."""
    configured = getattr(host, "configured", None)
    return configured(config) if configured else host
