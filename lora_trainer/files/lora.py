"""LoRA modules as they stand in a file, whatever network trained them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ..errors import FileFormatError

PREFIXES = {"lora_unet": "unet", "lora_te": "te", "lora_te1": "te1", "lora_te2": "te2"}
ATTENTION = re.compile(r"^(?P<layer>.+_self_attn_)(?P<which>q_proj|k_proj|v_proj|out_proj)$")
ATTENTION_PARTS = ("q_proj", "k_proj", "v_proj", "out_proj")


@dataclass
class LoraModule:
    """The low-rank change of one weight: (alpha / rank) * up @ down.

    Linear: down (r, in), up (out, r). Conv: down (r, in, kh, kw), up (out, r, 1, 1). LoCon's Tucker form has down
    (r, in, 1, 1) and mid (r, r, kh, kw) between them. A file of rank-stabilized LoRA has its alpha multiplied by
    sqrt(rank), so that alpha / rank is the truth for every file.
    """

    down: torch.Tensor
    up: torch.Tensor
    alpha: float
    mid: torch.Tensor | None = None

    @property
    def rank(self) -> int:
        return self.down.shape[0]

    @property
    def scale(self) -> float:
        return self.alpha / self.rank

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """Shape of the weight that this changes: (out, in) or (out, in, kh, kw)."""
        kernel = self.down.shape[2:] if self.mid is None else self.mid.shape[2:]
        return (self.up.shape[0], self.down.shape[1], *kernel)

    def matrices(self, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
        """`up` as (out, r) and `down` as (r, in * kh * kw), `mid` multiplied in, without the scale."""
        down = self.down.to(dtype)
        if self.mid is not None:
            down = torch.einsum("pqhw,qi->pihw", self.mid.to(dtype), down.flatten(1))
        return self.up.to(dtype).flatten(1), down.flatten(1)

    def delta(self, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """The change of the weight at strength 1, in the weight's shape."""
        up, down = self.matrices(dtype)
        return ((up @ down) * self.scale).reshape(self.weight_shape)

    def problem(self) -> str:
        """What is wrong with the shapes; empty when nothing is."""
        if self.down.ndim not in (2, 4) or self.up.ndim not in (2, 4):
            return "its matrices have neither 2 nor 4 dimensions"
        inner = self.rank if self.mid is None else self.mid.shape[0]
        if self.up.shape[1] != inner or (self.mid is not None and self.mid.shape[1] != self.rank):
            return f"its matrices do not fit together: down {tuple(self.down.shape)}, up {tuple(self.up.shape)}"
        return ""


@dataclass
class LoraFile:
    """What a LoRA file holds.

    `modules` have kohya names ('lora_unet_...'); `other` holds modules of further network types (LoHa, LoKr, DoRA ...)
    as {name: {part: tensor}}; `embeddings` are textual inversions inside the file; `unknown` are keys of no known kind.
    `style` is how the file itself names its keys: 'kohya', 'diffusers', 'peft' or 'processor' (old diffusers).
    """

    path: Path
    modules: dict[str, LoraModule]
    metadata: dict[str, str] = field(default_factory=dict)
    other: dict[str, dict[str, torch.Tensor]] = field(default_factory=dict)
    embeddings: dict[str, torch.Tensor] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    style: str = "kohya"

    @property
    def parts(self) -> dict[str, int]:
        """Number of modules by part, of unet, te, te1, te2 and other those that occur."""
        counts = Counter(part_of(name) for name in (*self.modules, *self.other))
        return {part: counts[part] for part in (*PREFIXES.values(), "other") if counts[part]}

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of most matrices."""
        matrices: Iterable[torch.Tensor] = (module.down for module in self.modules.values())
        others = (tensor for parts in self.other.values() for key, tensor in parts.items() if key != "alpha")
        dtypes = Counter(tensor.dtype for tensor in (*matrices, *others))
        return dtypes.most_common(1)[0][0] if dtypes else torch.float32

    def require_plain(self, purpose: str) -> None:
        """Raise FileFormatError when not everything in the file is a LoRA or LoCon module."""
        if self.other:
            name, parts = next(iter(self.other.items()))
            raise FileFormatError(
                f"'{self.path}' cannot be used to {purpose}: {len(self.other)} of its modules are no LoRA "
                f"(e.g. '{name}' with {', '.join(sorted(parts))}). Only LoRA and LoCon files can."
            )
        if not self.modules:
            raise FileFormatError(f"'{self.path}' holds no LoRA modules; is it a checkpoint or an embedding?")


def part_of(name: str) -> str:
    """The part of the base that a kohya module name belongs to: unet, te, te1, te2, or 'other'."""
    return next((part for prefix, part in PREFIXES.items() if name.startswith(prefix + "_")), "other")


def module_tensors(modules: Mapping[str, LoraModule]) -> dict[str, torch.Tensor]:
    """The tensors of a kohya file."""
    tensors = {}
    for name, module in modules.items():
        tensors[f"{name}.lora_down.weight"] = module.down
        tensors[f"{name}.lora_up.weight"] = module.up
        if module.mid is not None:
            tensors[f"{name}.lora_mid.weight"] = module.mid
        tensors[f"{name}.alpha"] = torch.tensor(float(module.alpha))
    return tensors


def complete_open_clip_layers(
    modules: Mapping[str, LoraModule], prefixes: tuple[str, ...] = ("lora_te2",)
) -> dict[str, LoraModule]:
    """Fill the attention layers of open_clip text encoders: q, k, v and out together, zeros where untrained.

    The WebUI's loader writes the packed q/k/v weight as a whole and skips a layer that lacks one of the four.
    `prefixes` are the modules' prefixes of the encoders that are open_clip's: 'lora_te2' of SDXL, 'lora_te' of SD2.
    """
    complete = dict(modules)
    for name, module in modules.items():
        found = ATTENTION.match(name)
        if found and any(name.startswith(prefix + "_") for prefix in prefixes):
            for which in ATTENTION_PARTS:
                complete.setdefault(found["layer"] + which, _zeros_like(module))
    return complete


def open_clip_prefixes(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """Which text encoders are open_clip's, by a file's metadata: SD2's only one, SDXL's second one."""
    return ("lora_te",) if metadata.get("ss_v2") == "True" else ("lora_te2",)


def _zeros_like(module: LoraModule) -> LoraModule:
    """A module of the same size (all four of a layer are square) that changes nothing."""
    down, up = torch.zeros_like(module.down), torch.zeros_like(module.up)
    return LoraModule(down, up, module.alpha)
