"""LoRA modules as they stand in a file, whatever network trained them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ..errors import FileFormatError
from .module import Module, arithmetic, stated_alpha

PREFIXES = {"lora_unet": "unet", "lora_te": "te", "lora_te1": "te1", "lora_te2": "te2"}
ATTENTION = re.compile(r"^(?P<layer>.+_self_attn_)(?P<which>q_proj|k_proj|v_proj|out_proj)$")
ATTENTION_PARTS = ("q_proj", "k_proj", "v_proj", "out_proj")


@dataclass
class LoraModule(Module):
    """The low-rank change of one weight: (alpha / rank) * up @ down.

    Linear: down (r, in), up (out, r). Conv: down (r, in, kh, kw), up (out, r, 1, 1). LoCon's Tucker form has down
    (r, in, 1, 1) and mid (r, r, kh, kw) between them. A file of rank-stabilized LoRA has its alpha multiplied by
    sqrt(rank), so that alpha / rank is the truth for every file.
    """

    kind = "lora"

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

    @property
    def idle(self) -> bool:
        return not self.scale

    def tensors(self) -> dict[str, torch.Tensor]:
        middle = {} if self.mid is None else {"lora_mid.weight": self.mid}
        ends = {"lora_down.weight": self.down, "lora_up.weight": self.up}
        return {**ends, **middle, "alpha": stated_alpha(self.alpha)}

    def change(self, weight: torch.Tensor) -> torch.Tensor:
        return self.delta(arithmetic(weight)).to(weight.device).reshape(weight.shape)

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

    `modules` are those of LoRA and LoCon, `special` those of the other types that are known (DoRA ...), both under
    kohya's names ('lora_unet_...'); `other` holds what is of further types as {name: {part: tensor}}; `embeddings` are
    textual inversions inside the file; `unknown` are keys of no known kind.
    `style` is how the file itself names its keys: 'kohya', 'diffusers', 'peft' or 'processor' (old diffusers).
    """

    path: Path
    modules: dict[str, LoraModule]
    metadata: dict[str, str] = field(default_factory=dict)
    special: dict[str, Module] = field(default_factory=dict)
    other: dict[str, dict[str, torch.Tensor]] = field(default_factory=dict)
    embeddings: dict[str, torch.Tensor] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    style: str = "kohya"

    @property
    def known(self) -> dict[str, Module]:
        """All modules of types that are known."""
        return {**self.modules, **self.special}

    @property
    def names(self) -> list[str]:
        """Of all modules, known or not."""
        return [*self.modules, *self.special, *self.other]

    @property
    def parts(self) -> dict[str, int]:
        """Number of modules by part, of unet, te, te1, te2 and other those that occur."""
        counts = Counter(part_of(name) for name in self.names)
        return {part: counts[part] for part in (*PREFIXES.values(), "other") if counts[part]}

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of most matrices."""
        parts = (*(module.tensors() for module in self.known.values()), *self.other.values())
        dtypes = Counter(tensor.dtype for one in parts for key, tensor in one.items() if key != "alpha")
        return dtypes.most_common(1)[0][0] if dtypes else torch.float32

    def require_plain(self, purpose: str) -> None:
        """Raise FileFormatError when not everything in the file is a LoRA or LoCon module."""
        others = {name: module.tensors() for name, module in self.special.items()} | self.other
        self._refuse(others, purpose, "are no LoRA", "Only LoRA and LoCon files can.")

    def usable(self, purpose: str) -> dict[str, Module]:
        """All modules. Raises FileFormatError when some are of a type that is not known, or there are none."""
        self._refuse(self.other, purpose, "are of a type that is not known here", "It was made by another trainer.")
        return self.known

    def _refuse(self, wrong: Mapping[str, Mapping[str, torch.Tensor]], purpose: str, what: str, why: str) -> None:
        if wrong:
            name, parts = next(iter(wrong.items()))
            raise FileFormatError(
                f"'{self.path}' cannot be used to {purpose}: {len(wrong)} of its modules {what} "
                f"(e.g. '{name}' with {', '.join(sorted(parts))}). {why}"
            )
        if not self.known:
            raise FileFormatError(f"'{self.path}' holds no LoRA modules; is it a checkpoint or an embedding?")


def part_of(name: str) -> str:
    """The part of the base that a kohya module name belongs to: unet, te, te1, te2, or 'other'."""
    return next((part for prefix, part in PREFIXES.items() if name.startswith(prefix + "_")), "other")


def module_tensors(modules: Mapping[str, Module]) -> dict[str, torch.Tensor]:
    """The tensors of a kohya file."""
    return {f"{name}.{part}": tensor for name, module in modules.items() for part, tensor in module.tensors().items()}


def complete_open_clip_layers(
    modules: Mapping[str, Module], prefixes: tuple[str, ...] = ("lora_te2",)
) -> dict[str, Module]:
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


def _zeros_like(module: Module) -> LoraModule:
    """A module of the same size (all four of a layer are square) that changes nothing."""
    if isinstance(module, LoraModule):
        return LoraModule(torch.zeros_like(module.down), torch.zeros_like(module.up), module.alpha)
    outputs, inputs = module.weight_shape
    return LoraModule(torch.zeros(1, inputs), torch.zeros(outputs, 1), 1.0)
