"""Writing a .safetensors file tensor by tensor, so that a checkpoint larger than memory can be made."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ..atomic import replacing
from .tensor_file import DTYPES, TensorInfo

if TYPE_CHECKING:
    from torch import Tensor

DTYPE_NAMES = {dtype: name for name, dtype in DTYPES.items()}


def write_checkpoint(
    path: Path,
    infos: Mapping[str, TensorInfo],
    read: Callable[[str], Tensor],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write `path` with the tensors that `infos` announces; `read(key)` gives each when its turn comes, once.

    Atomic: `path` appears when all is on the disk. Raises TrainingError when it cannot be written, ValueError when a
    tensor is not as announced. Format: https://github.com/huggingface/safetensors
    """
    # wide dtypes first, so that every tensor lies at a multiple of its item size, as readers that map the file expect
    keys = sorted(infos, key=lambda key: (-infos[key].dtype.itemsize, key))
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(_header(keys, infos, metadata or {}))
        for key in keys:
            tensor = read(key)
            if TensorInfo(tuple(tensor.shape), tensor.dtype) != infos[key]:
                raise ValueError(f"{key} was announced as {infos[key]}, but is {tensor.dtype} {tuple(tensor.shape)}.")
            file.write(_bytes(tensor))


def _header(keys: list[str], infos: Mapping[str, TensorInfo], metadata: Mapping[str, str]) -> bytes:
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    end = 0
    for key in keys:
        begin, end = end, end + infos[key].bytes
        entry = {"dtype": DTYPE_NAMES[infos[key].dtype], "shape": infos[key].shape, "data_offsets": [begin, end]}
        header[key] = entry
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def _bytes(tensor: Tensor) -> memoryview:
    return memoryview(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
