"""LoRAs merged into a checkpoint, tensor by tensor: memory holds the LoRAs and the largest weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ..checkpoints import Checkpoint, open_checkpoint
from ..errors import FileFormatError, TrainingError, UserError
from ..files.atomic import write_text
from ..files.container import TensorSpec
from ..files.disk import require_space
from ..files.module import Module
from ..files.stream import write_stream
from ..files.write import DTYPES
from ..twin.sources import Source
from .common import WeightedLora, read_loras
from .weights import WeightMap, weight_map


@dataclass(frozen=True)
class MergedCheckpoint:
    """A checkpoint with LoRAs in it; `changed` counts its tensors that are not as in the base."""

    path: Path
    sha256: str
    changed: int


@dataclass(frozen=True)
class Change:
    """What one module does to (a part of) one tensor: weight += strength * change."""

    name: str
    source: Source
    module: Module
    strength: float

    def apply(self, work: torch.Tensor) -> None:
        """Add it to the whole tensor `work`, in place."""
        view = self.source.look(work)
        view.add_(self.module.change(view), alpha=self.strength)


def merge_into_checkpoint(
    base: Path, inputs: Sequence[WeightedLora], output: Path, *, dtype: str | None = None
) -> MergedCheckpoint:
    """Write `base` with W + strength * change for every weight that a LoRA of whatever type changes, one after another.

    `dtype`: fp16, bf16 or fp32 for all weights; by default each stays as it is in `base`. A yaml beside the base goes
    with it. Raises FileFormatError when a LoRA does not fit the base, TrainingError when a sum is beyond fp16 or the
    disk is full, BaseModelError for what is no base.
    """
    if output.resolve() == base.resolve():
        raise UserError(
            f"'{base}' cannot be its own result, since it is read while that is written; name another file."
        )
    files = read_loras(inputs)
    modules = [file.usable("merge") for file in files]
    with open_checkpoint(base) as checkpoint:
        terms = [(file.path, table, item) for file, table, item in zip(files, modules, inputs)]
        changes = _changes(checkpoint, weight_map(checkpoint), terms)
        specs = {key: _spec(checkpoint, key, dtype) for key in checkpoint.keys()}  # noqa: SIM118 (no mapping)
        require_space(output.parent, sum(spec.nbytes for spec in specs.values()), "the merged checkpoint's tensors")

        def merged(key: str) -> torch.Tensor:
            return _merged(key, checkpoint.tensor(key), changes.get(key, ()), specs[key].dtype)

        sha256 = write_stream(output, specs, merged, _metadata(checkpoint, inputs, output))
    yaml = base.with_suffix(".yaml")
    if base.is_file() and yaml.is_file():
        write_text(output.with_suffix(".yaml"), yaml.read_text(encoding="utf-8-sig"))
    return MergedCheckpoint(output, sha256, len(changes))


def _changes(
    checkpoint: Checkpoint,
    places: WeightMap,
    terms: Sequence[tuple[Path, Mapping[str, Module], WeightedLora]],
) -> dict[str, list[Change]]:
    """All changes by the checkpoint's keys. Raises FileFormatError when a module has no place or another shape."""
    changes: dict[str, list[Change]] = {}
    for path, modules, item in terms:
        if unknown := [name for name in modules if name not in places.weights]:
            raise FileFormatError(
                f"'{path}' does not fit '{checkpoint.path}', a base of {places.family.label}: it has no "
                f"'{unknown[0]}'" + (f" and {len(unknown) - 1} more." if len(unknown) > 1 else ".")
            )
        for name, module in modules.items():
            weight, change = places.shape(checkpoint, name), module.weight_shape
            if weight[0] != change[0] or torch.Size(weight).numel() != torch.Size(change).numel():
                raise FileFormatError(
                    f"'{path}' does not fit '{checkpoint.path}': '{name}' changes a weight of {change}, not {weight}."
                )
            strength = item.strength_of(name)
            if strength and not module.idle:
                source = places.weights[name]
                changes.setdefault(source.keys[0], []).append(Change(name, source, module, strength))
    return changes


def _spec(checkpoint: Checkpoint, key: str, dtype: str | None) -> TensorSpec:
    info = checkpoint.info(key)
    cast = dtype is not None and info.dtype.is_floating_point
    return TensorSpec(DTYPES[dtype] if cast and dtype else info.dtype, info.shape)


def _merged(key: str, tensor: torch.Tensor, changes: Sequence[Change], dtype: torch.dtype) -> torch.Tensor:
    """The tensor with all its changes, summed in fp32 at least and rounded once."""
    if changes:
        tensor = tensor.to(_sum_dtype(tensor.dtype), copy=True).contiguous()
        for change in changes:
            change.apply(tensor)
    result = tensor.to(dtype)
    if changes and not bool(torch.isfinite(result.float()).all()):
        names = ", ".join(change.name for change in changes)
        raise TrainingError(f"'{key}' is no number or beyond {dtype} after {names}; lower the strength or use bf16.")
    return result


def _sum_dtype(dtype: torch.dtype) -> torch.dtype:
    return torch.float64 if dtype == torch.float64 else torch.float32


def _metadata(checkpoint: Checkpoint, inputs: Sequence[WeightedLora], output: Path) -> dict[str, str]:
    """The base's own, without hashes of its content, and what was merged."""
    kept = {key: value for key, value in checkpoint.metadata.items() if "hash" not in key}
    parts = [checkpoint.name, *(f"{item.path.stem} * {item.strength:g}" for item in inputs)]
    return {**kept, "modelspec.title": output.stem, "modelspec.merged_from": ", ".join(parts)}
