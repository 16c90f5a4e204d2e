"""Files of tensors, read one tensor at a time."""

from __future__ import annotations

import json
import pickle
import struct
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch

from ..errors import BaseModelError
from ..files.container import DTYPES, LONGEST_HEADER
from .mapping import MappedFile

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class TensorInfo:
    """What is known of a tensor without reading it."""

    shape: tuple[int, ...]
    dtype: torch.dtype

    @property
    def bytes(self) -> int:
        return self.dtype.itemsize * torch.Size(self.shape).numel()


class TensorFile(Protocol):
    """A file of tensors. `metadata` are its remarks (safetensors only)."""

    metadata: Mapping[str, str]

    def infos(self) -> Mapping[str, TensorInfo]: ...

    def tensor(self, key: str) -> Tensor: ...

    def close(self) -> None: ...


class SafetensorsFile:
    """A .safetensors file. Its tensors are mapped: a copy in another dtype or on another device is the only copy.

    Format: https://github.com/huggingface/safetensors
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        header, self._start = self._read_header()
        self.metadata: Mapping[str, str] = header.pop("__metadata__", {})
        size = path.stat().st_size
        self._places = {key: self._place(key, entry, size) for key, entry in header.items()}
        self._content = MappedFile(path, ((begin, begin + info.bytes) for info, begin in self._places.values()))

    def _read_header(self) -> tuple[dict[str, Any], int]:
        with self.path.open("rb") as file:
            size = file.read(8)
            length = struct.unpack("<Q", size)[0] if len(size) == 8 else LONGEST_HEADER + 1
            text = file.read(length) if length <= LONGEST_HEADER else b"null"
        try:
            header = json.loads(text.decode("utf-8"))
        except ValueError as error:
            raise self._broken(f"its header cannot be read: {error}") from error
        if not isinstance(header, dict):
            raise self._broken("its header is not that of a safetensors file")
        return header, 8 + length

    def _place(self, key: str, entry: Any, size: int) -> tuple[TensorInfo, int]:
        """The tensor's shape and dtype, and where its bytes begin."""
        try:
            info = TensorInfo(tuple(entry["shape"]), DTYPES[entry["dtype"]])
            begin, end = entry["data_offsets"]
        except (KeyError, TypeError, ValueError) as error:
            raise self._broken(f"the entry of {key} cannot be read: {error}") from error
        if end - begin != info.bytes or begin < 0 or self._start + end > size:
            raise self._broken(f"{key} lies outside of it")
        return info, self._start + begin

    def _broken(self, what: str) -> BaseModelError:
        return BaseModelError(f"{self.path} is damaged or incomplete: {what}. Fetch or copy it again.")

    def infos(self) -> Mapping[str, TensorInfo]:
        return {key: info for key, (info, _) in self._places.items()}

    def tensor(self, key: str) -> Tensor:
        """The tensor on the CPU in the dtype of the file, mapped. Raises KeyError."""
        info, begin = self._places[key]
        content = self._content.bytes(begin, begin + info.bytes)
        if begin % info.dtype.itemsize:  # a file by a careless writer; kernels expect numbers at their multiples
            content = content.clone()
        return content.view(info.dtype).reshape(info.shape)

    def close(self) -> None:
        """Tensors that were given out stay good; on Windows the file cannot be replaced before they are gone."""
        self._content.close()


class PickleFile:
    """A .ckpt, .pt or .bin file; only tensors are unpickled, never code. Tensors are mapped where its format allows."""

    def __init__(self, path: Path) -> None:
        self.metadata: Mapping[str, str] = {}
        try:
            content = torch.load(str(path), map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
        except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
            raise BaseModelError(
                f"{path} cannot be read as plain weights. It is damaged, or holds Python objects, which could run any "
                "code and are not loaded here. Convert it to .safetensors, or fetch that version of it."
            ) from error
        inner = content.get("state_dict", content) if isinstance(content, dict) else {}
        self._tensors: dict[str, Tensor] = {
            key: value for key, value in inner.items() if isinstance(value, torch.Tensor)
        }

    def infos(self) -> Mapping[str, TensorInfo]:
        return {key: TensorInfo(tuple(tensor.shape), tensor.dtype) for key, tensor in self._tensors.items()}

    def tensor(self, key: str) -> Tensor:
        return self._tensors[key]

    def close(self) -> None:
        self._tensors = {}


class JoinedFiles:
    """Several files whose tensors belong together (a model in shards)."""

    def __init__(self, files: Iterable[TensorFile]) -> None:
        self._files = list(files)
        self.metadata: Mapping[str, str] = {}
        self._owner = {key: file for file in self._files for key in file.infos()}

    def infos(self) -> Mapping[str, TensorInfo]:
        return {key: info for file in self._files for key, info in file.infos().items()}

    def tensor(self, key: str) -> Tensor:
        return self._owner[key].tensor(key)

    def close(self) -> None:
        for file in self._files:
            file.close()


def open_tensor_file(path: Path) -> TensorFile:
    """Open by what the file is called. Raises BaseModelError when it is damaged or not plain weights."""
    return SafetensorsFile(path) if path.suffix.lower() == ".safetensors" else PickleFile(path)
