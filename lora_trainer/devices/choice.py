"""Which device to use, what it is called, and in which numbers it computes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..errors import ConfigError

if TYPE_CHECKING:
    import torch

PRECISIONS = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
"""Number formats of a base, by what options call them."""


def choose(name: str = "auto") -> torch.device:
    """The device called `name`; 'auto' takes the first accelerator that is there. Raises ConfigError."""
    import torch

    if name == "auto":
        return torch.device(_first_available())
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = "no device is called so" if "Expected one of" in str(error) else str(error).splitlines()[0]
        raise ConfigError([f"memory.device is '{name}', which cannot be used here ({reason}). Try 'auto'."]) from error
    return device


def _first_available() -> str:
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if hasattr(torch, "xpu") and torch.xpu.is_available():
        return "xpu"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def full_name(name: str) -> str:
    """The name of a device that two names mean when they give the same: 'cuda' and 'auto' may be 'cuda:0'.

    Takes no memory on it. Raises ConfigError where there is none.
    """
    kind, _, number = (_first_available() if name == "auto" else name).partition(":")
    if kind in ("cuda", "xpu") and (number or "0") in map(str, range(_count(kind))):
        return f"{kind}:{number or 0}"
    return choose(name).type


def every() -> list[str]:
    """The full names of all that runs may be on at the same time: every accelerator, or the CPU where there is none."""
    kind = _first_available()
    return [f"{kind}:{number}" for number in range(_count(kind))] if kind in ("cuda", "xpu") else [kind]


def _count(kind: str) -> int:
    import torch

    module = getattr(torch, kind, None)
    return module.device_count() if module is not None and module.is_available() else 0


def alone(name: str) -> tuple[str, dict[str, str]]:
    """(name, variables): how a process names the device of that full name when it sees no other one of its kind.

    A process that sees all cards takes memory on the first one, whichever it uses.
    """
    import torch

    kind, _, number = name.partition(":")
    if kind != "cuda" or torch.version.hip:
        return name, {}
    seen = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    cards = seen.split(",") if seen else [str(card) for card in range(_count(kind))]
    return kind, {"CUDA_VISIBLE_DEVICES": cards[int(number)].strip()}


def choose_dtype(precision: str, device: torch.device) -> torch.dtype:
    """The base's number format for 'auto', 'fp32', 'bf16' or 'fp16'. Raises ConfigError where it is not to be had."""
    import torch

    if precision in PRECISIONS:
        if precision == "fp16" and device.type == "cpu":
            raise ConfigError(["memory.precision is 'fp16', which is unusably slow on a CPU: use 'bf16' or 'fp32'."])
        return getattr(torch, PRECISIONS[precision])
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.bfloat16 if device.type == "xpu" else torch.float32


def precision_of(dtype: torch.dtype) -> str:
    """What options call a number format; 'auto' where they have no name for it."""
    return next((name for name, known in PRECISIONS.items() if str(dtype) == f"torch.{known}"), "auto")


def label(device: torch.device) -> str:
    """The device's name for people, e.g. 'NVIDIA GeForce RTX 3060 (cuda)'."""
    import torch

    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)} ({device})"
    return str(device)


def noise_source(device: torch.device) -> torch.device:
    """The device whose generator draws the noise of pictures: as the WebUI, the CPU where an accelerator is no CUDA."""
    import torch

    return device if device.type == "cuda" else torch.device("cpu")
