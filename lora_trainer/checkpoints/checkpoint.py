"""A base as it lies on the disk, whatever its form: tensors under original (ldm) names, and what is said of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import BaseModelError
from .hints import Hints, hints_from_metadata, hints_from_yaml
from .tensor_file import TensorFile, TensorInfo, open_tensor_file

if TYPE_CHECKING:
    import torch
    from torch import Tensor

ENDINGS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")
CHUNK = 1 << 22  # bytes that are hashed at a time


class Checkpoint:
    """An open base model. Use it as a context manager, or close it."""

    def __init__(
        self,
        path: Path,
        content: TensorFile,
        hints: Hints,
        *,
        yaml: dict[str, Any] | None = None,
        files: tuple[Path, ...] = (),
    ) -> None:
        self.path = path
        self.hints = hints
        self.yaml = yaml
        self.metadata = content.metadata
        self._content = content
        self._infos = content.infos()
        self._files = files or (path,)

    @property
    def name(self) -> str:
        """What the user calls it: the file's name without its ending, or the folder's name."""
        return self.path.name if self.path.is_dir() else self.path.stem

    def keys(self) -> list[str]:
        return list(self._infos)

    def __contains__(self, key: str) -> bool:
        return key in self._infos

    def info(self, key: str) -> TensorInfo:
        return self._infos[key]

    def shape(self, key: str) -> tuple[int, ...]:
        return self._infos[key].shape

    def dtype(self, key: str) -> torch.dtype:
        return self._infos[key].dtype

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {key: info.shape for key, info in self._infos.items()}

    def tensor(self, key: str) -> Tensor:
        """The tensor on the CPU in the file's dtype; from a .safetensors it is mapped, and read when it is used."""
        return self._content.tensor(key)

    def part(self, prefix: str) -> LazyTensors:
        """The tensors whose names begin with `prefix`, without it, each read when it is asked for."""
        return LazyTensors(self, prefix)

    def sha256(self) -> str:
        """Hash of the whole file (of all weight files, one after the other, for a folder); takes seconds."""
        digest = hashlib.sha256()
        for file in self._files:
            with file.open("rb") as stream:
                while chunk := stream.read(CHUNK):
                    digest.update(chunk)
        return digest.hexdigest()

    def close(self) -> None:
        self._content.close()

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class LazyTensors(Mapping[str, "Tensor"]):
    """A part of a checkpoint as a mapping that reads on access and keeps nothing; shapes and dtypes need no reading."""

    def __init__(self, checkpoint: Checkpoint, prefix: str) -> None:
        self._checkpoint = checkpoint
        self._prefix = prefix
        names = [key for key in checkpoint.shapes if key.startswith(prefix)]
        infos = {key[len(prefix) :]: checkpoint.info(key) for key in names}
        self.shapes = {key: info.shape for key, info in infos.items()}
        self.dtypes = {key: info.dtype for key, info in infos.items()}

    def __getitem__(self, key: str) -> Tensor:
        return self._checkpoint.tensor(self._prefix + key)

    def __contains__(self, key: object) -> bool:
        return key in self.shapes

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)


def open_checkpoint(path: str | Path) -> Checkpoint:
    """Open a base: .safetensors, .ckpt (weights only), or a diffusers folder. Nothing but headers is read.

    Raises BaseModelError when it does not exist, is damaged, or is nothing of this kind.
    """
    path = Path(path)
    if path.is_dir():
        from .folder import open_folder

        return open_folder(path)
    if not path.exists():
        raise BaseModelError(f"There is no checkpoint {path}. Check the path.")
    if path.suffix.lower() not in ENDINGS:
        raise BaseModelError(f"{path} is no checkpoint: its name has to end in one of {', '.join(ENDINGS)}.")
    yaml = read_yaml(path.with_suffix(".yaml"))
    content = open_tensor_file(path)
    said = hints_from_metadata(content.metadata)
    return Checkpoint(path, content, hints_from_yaml(yaml, path.parent).over(said) if yaml else said, yaml=yaml)


def read_yaml(path: Path) -> dict[str, Any] | None:
    """The yaml beside a checkpoint; None without one. Raises BaseModelError when it cannot be read."""
    import yaml

    if not path.exists():
        return None
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BaseModelError(f"{path} cannot be read as YAML: {error}. Correct it or take it away.") from error
    return content if isinstance(content, dict) else None
