"""Random numbers that depend on what they are for, never on what was drawn before.

Every draw has its own generator, seeded from a hash of the run's seed and of the draw's keys (purpose, step, index).
So a resumed run draws what an uninterrupted one would, and the global random states are never touched.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from types import ModuleType
from typing import Any

import numpy as np
import torch

Key = int | float | str


def seed_of(*keys: Key) -> int:
    """A seed of 63 bits from any keys; the same on every machine and in every process (unlike `hash`)."""
    text = "\x1f".join(f"{type(key).__name__}:{key}" for key in keys)
    return int.from_bytes(blake2b(text.encode("utf-8"), digest_size=8).digest(), "little") >> 1


def generator(device: torch.device | str, *keys: Key) -> torch.Generator:
    """A new generator on `device`, seeded from `keys`; on the CPU where the device has no generators."""
    try:
        fresh = torch.Generator(device=device)
    except RuntimeError:  # DirectML and other plug-in devices
        fresh = torch.Generator()
    return fresh.manual_seed(seed_of(*keys))


@contextmanager
def untouched_random_state() -> Iterator[None]:
    """Whatever happens inside, Python's, NumPy's and torch's global random states (all devices) are as before."""
    python, numpy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()
    devices = [_snapshot(module) for module in _accelerators()]
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(cpu)
        for restore in devices:
            restore()


def _accelerators() -> list[ModuleType]:
    """torch's module of every kind of accelerator that this process uses, found by what such a module offers."""
    modules = [value for value in vars(torch).values() if isinstance(value, ModuleType)]
    return [module for module in modules if "get_rng_state" in vars(module) and _in_use(module)]


def _in_use(module: ModuleType) -> bool:
    # Asking an accelerator that was never used for its state would start it (a context of hundreds of MiB).
    backend = getattr(torch.backends, module.__name__.rpartition(".")[2], None)
    for probe in (vars(module).get("is_initialized"), getattr(backend, "is_available", None)):
        if probe is not None:
            return bool(probe())
    return False


def _snapshot(module: ModuleType) -> Callable[[], Any]:
    """A function that puts the present random state of an accelerator's module back, for all of its devices."""
    if hasattr(module, "get_rng_state_all"):
        states = module.get_rng_state_all()
        return lambda: module.set_rng_state_all(states)
    state = module.get_rng_state()
    return lambda: module.set_rng_state(state)
