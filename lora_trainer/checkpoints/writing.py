"""Writing a checkpoint tensor by tensor, so that a merge of two large ones needs the memory of one tensor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..files.atomic import replacing
from ..files.container import TensorSpec, write_container
from .tensor_file import TensorInfo

if TYPE_CHECKING:
    from torch import Tensor


def write_checkpoint(
    path: Path,
    infos: Mapping[str, TensorInfo],
    read: Callable[[str], Tensor],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write `path` with the tensors that `infos` announces; `read(key)` gives each when its turn comes, once.

    Atomic: `path` appears when all is on the disk. Raises TrainingError or UserError when it cannot be written,
    ValueError when a tensor is not as announced.
    """
    specs = {key: TensorSpec(info.dtype, tuple(info.shape)) for key, info in infos.items()}
    with replacing(path) as file:
        write_container(file, specs, read, metadata or {})
