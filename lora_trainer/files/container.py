"""The safetensors format, tensor by tensor: nothing is mapped, and never more than one tensor is held.

Format: https://huggingface.co/docs/safetensors (8 bytes of header length, a JSON header, the tensors' bytes without
gaps). The package's own reader maps the file into memory, which keeps it open on Windows, and its writer puts metadata
in a random order; here equal content gives equal bytes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import torch

from ..errors import FileFormatError

LONGEST_HEADER = 100_000_000
DTYPES: dict[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
}
CODES = {dtype: code for code, dtype in DTYPES.items()}


@dataclass(frozen=True)
class TensorSpec:
    """Dtype and shape of a tensor, and the place of its bytes behind the header (0, 0 before it has one)."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int = 0
    end: int = 0

    @classmethod
    def of(cls, tensor: torch.Tensor) -> TensorSpec:
        return cls(tensor.dtype, tuple(tensor.shape))

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True)
class Header:
    """What a safetensors file says of itself; its tensors' places count from `data_start`."""

    tensors: dict[str, TensorSpec]
    metadata: dict[str, str]
    data_start: int


def read_header(path: Path) -> Header:
    """The header of a safetensors file. Raises FileFormatError when the file is not whole or not of this format."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, LONGEST_HEADER):
            raise FileFormatError(f"'{path}' is not a safetensors file, or only the beginning of one.")
        text = file.read(length)
    try:
        entries: dict[str, Any] = json.loads(text.decode("utf-8"))
        metadata = {str(key): str(value) for key, value in (entries.pop("__metadata__", None) or {}).items()}
        tensors = {name: _spec(entry) for name, entry in entries.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FileFormatError(f"The header of '{path}' is damaged ({error}); get the file again.") from error
    for name, spec in tensors.items():
        if spec.start < 0 or spec.end - spec.start != spec.nbytes:
            raise FileFormatError(f"The header of '{path}' is damaged at '{name}'; get the file again.")
        if spec.end > size - 8 - length:
            raise FileFormatError(f"'{path}' is cut off; copy or download it again.")
    return Header(tensors, metadata, 8 + length)


def _spec(entry: Mapping[str, Any]) -> TensorSpec:
    start, end = entry["data_offsets"]
    return TensorSpec(DTYPES[entry["dtype"]], tuple(int(size) for size in entry["shape"]), int(start), int(end))


class ContainerReader:
    """An open safetensors file. Tensors are read one at a time into memory of their own; leave the `with` to close.

    Raises FileFormatError when the file is not whole or not of this format.
    """

    def __init__(self, path: Path) -> None:
        header = read_header(path)
        self.path, self.tensors, self.metadata = path, header.tensors, header.metadata
        self._data_start = header.data_start
        self._file: BinaryIO = path.open("rb")

    def __enter__(self) -> ContainerReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def tensor(self, name: str) -> torch.Tensor:
        """A copy of the tensor called `name`, in the file's dtype."""
        spec = self.tensors[name]
        self._file.seek(self._data_start + spec.start)
        buffer = bytearray(spec.end - spec.start)
        if self._file.readinto(buffer) != len(buffer):  # type: ignore[attr-defined]
            raise FileFormatError(f"'{self.path}' ends in the middle of '{name}'; copy or download it again.")
        if not buffer:
            return torch.empty(spec.shape, dtype=spec.dtype)
        return torch.frombuffer(buffer, dtype=spec.dtype).reshape(spec.shape)


def placed(specs: Mapping[str, TensorSpec]) -> dict[str, TensorSpec]:
    """Give every tensor its place: widest dtypes first, so that all are aligned, then by name."""
    places, start = {}, 0
    for name in sorted(specs, key=lambda name: (-specs[name].dtype.itemsize, name)):
        spec = specs[name]
        places[name] = TensorSpec(spec.dtype, spec.shape, start, start + spec.nbytes)
        start += spec.nbytes
    return places


def header_bytes(places: Mapping[str, TensorSpec], metadata: Mapping[str, str]) -> bytes:
    """The file up to the first tensor; metadata come first and in the order given, padded to 8 bytes."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    for name, spec in places.items():
        header[name] = {
            "dtype": CODES[spec.dtype],
            "shape": list(spec.shape),
            "data_offsets": [spec.start, spec.end],
        }
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def write_container(
    file: BinaryIO,
    specs: Mapping[str, TensorSpec],
    tensor_of: Callable[[str], torch.Tensor],
    metadata: Mapping[str, str],
) -> int:
    """Write a safetensors file, asking for one tensor at a time in the file's order; returns the header's length."""
    places = placed(specs)
    header = header_bytes(places, metadata)
    file.write(header)
    for name, spec in places.items():
        tensor = tensor_of(name)
        if TensorSpec.of(tensor) != TensorSpec(spec.dtype, spec.shape):
            raise ValueError(f"'{name}' came as {tensor.dtype} {tuple(tensor.shape)}, announced was {spec}.")
        file.write(tensor_bytes(tensor))
    return len(header)


def tensor_bytes(tensor: torch.Tensor) -> memoryview:
    """The tensor's bytes as they stand in a file."""
    flat = tensor.detach().to("cpu").contiguous().reshape(-1)
    return memoryview(flat.view(torch.uint8).numpy()) if flat.numel() else memoryview(b"")


def same_bits(left: torch.Tensor, right: torch.Tensor) -> bool:
    """Whether two tensors have the same dtype, shape and bits."""
    return TensorSpec.of(left) == TensorSpec.of(right) and tensor_bytes(left) == tensor_bytes(right)


def chunks(file: BinaryIO, size: int = 2**20) -> Iterator[bytes]:
    """The rest of a file in pieces."""
    return iter(lambda: file.read(size), b"")
