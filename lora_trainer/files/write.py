"""Writing LoRA files: whole or not at all, equal bytes for equal weights, read back before success is reported."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from ..errors import FileFormatError, TrainingError
from .atomic import replacing, sweep_partials
from .container import ContainerReader, TensorSpec, placed, same_bits, tensor_bytes, write_container
from .hashes import NO_HASHES, sha256_of_file, stamp
from .lora import complete_open_clip_layers, module_tensors, open_clip_prefixes
from .module import Module

DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}


@dataclass(frozen=True)
class WrittenFile:
    """A file that was written, read back and found equal."""

    path: Path
    sha256: str
    size: int
    modules: int


def write_lora(
    path: Path | str, modules: Mapping[str, Module], metadata: Mapping[str, str], dtype: str = "fp16"
) -> WrittenFile:
    """Write LoRA modules (kohya names) as a file that every host loads. `dtype` is fp16, bf16 or fp32.

    Layers of open_clip encoders are completed by zeros; `ss_output_name` is set to the file's stem and the hashes are
    added. An earlier file of that name stays as it is until the new one is whole and checked.
    Raises TrainingError for weights that are no numbers or beyond fp16, and for a full disk; FileInUse and UserError
    as `atomic.replacing`.
    """
    complete = complete_open_clip_layers(modules, open_clip_prefixes(metadata))
    return write_tensors(path, module_tensors(complete), metadata, dtype, len(complete))


def model_hash(modules: Mapping[str, Module], metadata: Mapping[str, str], dtype: str) -> str:
    """`sshs_model_hash` of the file that `write_lora` would write. Raises TrainingError for what cannot be stored."""
    complete = complete_open_clip_layers(modules, open_clip_prefixes(metadata))
    ready = {key: stored(key, tensor, dtype) for key, tensor in module_tensors(complete).items()}
    digest = hashlib.sha256()
    for key in placed({key: TensorSpec.of(tensor) for key, tensor in ready.items()}):
        digest.update(tensor_bytes(ready[key]))
    return digest.hexdigest()


def write_tensors(
    path: Path | str, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str], dtype: str, modules: int = 0
) -> WrittenFile:
    """`write_lora` for a network type that has its own tensors."""
    path = Path(path)
    ready = {key: stored(key, tensor, dtype) for key, tensor in tensors.items()}
    specs = {key: TensorSpec.of(tensor) for key, tensor in ready.items()}
    strings = _all_strings(named(metadata, path.stem))
    sweep_partials(path.parent, path.name)
    checked: list[str] = []

    def check(partial: Path) -> None:
        compare(partial, ready)
        checked.append(sha256_of_file(partial))

    with replacing(path, check) as file:
        data_start = write_container(file, specs, ready.__getitem__, strings)
        stamp(file, data_start)
    return WrittenFile(path, checked[0], path.stat().st_size, modules)


def stored(key: str, tensor: torch.Tensor, dtype: str) -> torch.Tensor:
    """A tensor as it goes into a file of `dtype`; alphas that `dtype` would round stay fp32, and so do DoRA's scales:
    an error there is one of the base's whole weight.

    Raises TrainingError when it holds something that is no number, or that fp16 cannot hold.
    """
    tensor = tensor.detach().to("cpu")
    tensor = tensor.float() if tensor.dtype.itemsize == 1 else tensor  # 8-bit floats know no isfinite
    if not bool(torch.isfinite(tensor).all()):
        raise TrainingError(
            f"'{key}' holds values that are no numbers, so nothing was saved; earlier saves are intact. "
            "Lower the learning rate or train in fp32 or bf16."
        )
    cast = tensor.to(DTYPES[dtype])
    if key.endswith(".dora_scale") or (key.endswith(".alpha") and float(cast) != float(tensor)):
        return tensor.float()
    if not bool(torch.isfinite(cast).all()):
        raise TrainingError(
            f"'{key}' reaches {float(tensor.abs().max()):.4g}, more than fp16 can hold (65504). "
            "Set save.dtype to bf16 or fp32; so large a value usually means that the learning rate is too high."
        )
    return cast.contiguous()


def compare(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Read a file back. Raises FileFormatError unless it holds exactly `tensors`, bit by bit."""
    with ContainerReader(path) as reader:
        if reader.tensors.keys() != tensors.keys():
            raise FileFormatError(f"'{path}' was read back with other tensors than were written; save again.")
        for key, tensor in tensors.items():
            if not same_bits(reader.tensor(key), tensor):
                raise FileFormatError(f"'{key}' in '{path}' was read back changed; the disk may be failing.")


def named(metadata: Mapping[str, str], stem: str) -> dict[str, str]:
    """Metadata in a fixed order for a file called `stem`: room for its hashes first, its name last."""
    stale = {*NO_HASHES, "modelspec.hash_sha256", "ss_output_name"}
    return {**NO_HASHES, **{key: metadata[key] for key in sorted(metadata) if key not in stale}, "ss_output_name": stem}


def _all_strings(metadata: Mapping[str, str]) -> dict[str, str]:
    wrong = [key for key, value in metadata.items() if not isinstance(value, str)]
    if wrong:
        raise TypeError(f"Metadata values must be strings; these are not: {', '.join(wrong)}.")
    return dict(metadata)
