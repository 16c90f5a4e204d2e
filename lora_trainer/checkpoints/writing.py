"""Writing a .safetensors file tensor by tensor, so that a checkpoint larger than memory can be made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..files.container import TensorSpec
from ..files.stream import write_stream
from .tensor_file import TensorInfo

if TYPE_CHECKING:
    from torch import Tensor


def write_checkpoint(
    path: Path,
    infos: Mapping[str, TensorInfo],
    read: Callable[[str], Tensor],
    metadata: Mapping[str, str] | None = None,
) -> str:
    """Write `path` with the tensors that `infos` announces; `read(key)` gives each when its turn comes, once.

    Atomic: `path` appears when all is on the disk and was read back. Returns its SHA-256.
    Raises TrainingError on a full disk, UserError when it cannot be written, ValueError when a tensor is not as announced.
    """
    return write_stream(path, {key: TensorSpec(info.dtype, info.shape) for key, info in infos.items()}, read, metadata)
