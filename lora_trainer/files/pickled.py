"""Weights in PyTorch's own format, a pickle: only tensors are taken out of it, no code is ever run."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import torch

from ..errors import FileFormatError

_ERRORS = (
    *(pickle.UnpicklingError, RuntimeError, EOFError),
    *(LookupError, ValueError, TypeError, AttributeError),
)
"""What torch is known to raise on files that hold other objects, or are damaged."""


def load_pickled(path: Path, *, mapped: bool = False) -> dict[str, torch.Tensor]:
    """The tensors in a .ckpt, .pt or .bin file, on the CPU. `mapped`: read when they are used, where the format allows.

    Raises FileFormatError when it holds anything but plain weights, OSError when it cannot be read.
    """
    try:
        content = torch.load(str(path), map_location="cpu", weights_only=True, mmap=mapped and zipfile.is_zipfile(path))
    except _ERRORS as error:
        raise FileFormatError(
            f"'{path}' cannot be read as plain weights. It is damaged, or holds Python objects, which could run any "
            "code and are not loaded here. Convert it to .safetensors, or fetch that version of it."
        ) from error
    inner = content.get("state_dict", content) if isinstance(content, dict) else {}
    return {key: value for key, value in inner.items() if isinstance(value, torch.Tensor)}
