"""The one place that names devices: which to use, its memory, its waiting, and reading numbers back late."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from . import driver, thermal
from .errors import ConfigError

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


def memory_beside(name: str) -> tuple[int, int]:
    """As `memory_of`, of the device of that full name, which others use: nothing is taken of it where that can be."""
    import torch

    device = torch.device(name)
    if device.type == "cuda" and (uuid := _uuid_of(device)):
        return driver.card_memory(uuid) or memory_of(device)
    return memory_of(device)


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


def used_memory(device: torch.device) -> int:
    """Bytes in use: the peak that torch reserved on a card, or the process's resident size on a CPU."""
    import torch

    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    return _resident_bytes()


def card_memory(device: torch.device) -> int:
    """Bytes that a card has; 0 where the device is none, or does not tell."""
    import torch

    if device.type in ("cuda", "xpu"):
        return int(getattr(torch, device.type).get_device_properties(device).total_memory)
    return 0


def temperature(device: torch.device) -> float | None:
    """Degrees Celsius of NVIDIA's card, or of the processor; None where nobody tells."""
    if device.type == "cuda":
        return driver.card_temperature(_uuid_of(device))
    return thermal.of_processor() if device.type == "cpu" else None


def _uuid_of(card: torch.device) -> str:
    """Empty for a torch that does not tell."""
    import torch

    return str(getattr(torch.cuda.get_device_properties(card), "uuid", ""))


def _resident_bytes() -> int:
    """Resident size of this process; 0 where the system does not tell."""
    with contextlib.suppress(OSError, ValueError, IndexError, ImportError):
        import resource

        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    with contextlib.suppress(ImportError):
        import psutil

        return psutil.Process().memory_info().rss
    return 0


def memory_of(device: torch.device) -> tuple[int, int]:
    """(free, total) bytes of the device, or of the machine on a CPU; zeros where nobody tells."""
    import torch

    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return int(free), int(total)
    if device.type == "xpu":
        total = int(torch.xpu.get_device_properties(device).total_memory)
        return total - int(torch.xpu.memory_reserved(device)), total
    with contextlib.suppress(ImportError):
        import psutil

        machine = psutil.virtual_memory()  # Apple's GPUs share it
        return int(machine.available), int(machine.total)
    return 0, 0


EXACT, SAMPLED = "exact", "sampled"
"""How a peak is known: from the driver or the system; from looking every few milliseconds."""
LOOK_EVERY = 0.005
"""Seconds between two looks at a process's size."""


class Peak:
    """The most memory that is in use while this is entered: of the device by everybody, or on a CPU by this process.

    `bytes` is readable inside and afterwards, 0 where nobody tells; `how` says how far it may be trusted.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.bytes, self.how = 0, EXACT
        self._others = 0
        self._done: threading.Event | None = None

    def __enter__(self) -> Peak:
        import torch

        release_memory(self._device)
        kind = self._device.type
        if kind in ("cuda", "xpu"):
            module = getattr(torch, kind)
            free, total = memory_of(self._device)
            self._others = max(0, total - free - module.memory_reserved(self._device))
            module.reset_peak_memory_stats(self._device)
        elif kind == "mps" or not _forget_peak():
            self.how, self._done = SAMPLED, threading.Event()
            threading.Thread(target=self._watch, args=(self._done,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.look()
        if self._done is not None:
            self._done.set()

    def look(self) -> int:
        """The peak so far."""
        import torch

        kind = self._device.type
        if kind in ("cuda", "xpu"):
            now = self._others + int(getattr(torch, kind).max_memory_reserved(self._device))
        elif kind == "mps":
            now = int(torch.mps.driver_allocated_memory())
        else:
            now = _largest_resident_bytes() if self.how == EXACT else _resident_bytes()
        self.bytes = max(self.bytes, now)
        return self.bytes

    def _watch(self, done: threading.Event) -> None:
        while not done.wait(LOOK_EVERY):
            self.look()


def _forget_peak() -> bool:
    """Let the largest resident size be counted from now on; False where the system cannot (Linux alone can)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        return _largest_resident_bytes() > 0
    return False


def _largest_resident_bytes() -> int:
    with contextlib.suppress(OSError):
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)
    return 0


def release_memory(device: torch.device) -> None:
    """Give cached memory back to the system, so that others on the device can have it."""
    import gc

    import torch

    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "xpu":
        torch.xpu.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
    elif sys.platform == "linux":
        _trim_heap()


def _trim_heap() -> None:
    """Let glibc return freed heap pages; other C libraries do not have (or need) this."""
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


MEMORY_WORDS = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")
"""As accelerators, Linux, Windows and CUDA's libraries say it."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that memory ran out, on any device."""
    import torch

    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
        return True
    words = str(error).lower()
    return isinstance(error, RuntimeError) and any(said in words for said in MEMORY_WORDS)


class Later:
    """A few numbers on their way from the device; `read` waits for them alone, not for what was launched since."""

    def __init__(self, values: torch.Tensor) -> None:
        self._event = None
        self._values = values.detach()
        if values.device.type == "cuda":
            import torch

            self._values = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
            self._values.copy_(values.detach(), non_blocking=True)
            self._event = torch.cuda.Event()
            self._event.record()

    def read(self) -> list[float]:
        if self._event is not None:
            self._event.synchronize()
        return self._values.tolist()
