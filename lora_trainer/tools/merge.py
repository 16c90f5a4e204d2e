"""Several LoRAs with strengths joined into one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ..errors import FileFormatError, UserError
from ..files.lora import LoraModule
from ..files.write import write_lora
from ..lowrank import RankRule, as_module, spectrum_of_product
from .common import WeightedLora, common_metadata, dtype_name, network_metadata, read_plain_loras


@dataclass(frozen=True)
class MergedLora:
    """A merged LoRA file. `least_kept` is the smallest share of a module's norm that its rank could hold (1: exact)."""

    path: Path
    sha256: str
    modules: int
    highest_rank: int
    least_kept: float


def merge_loras(
    inputs: Sequence[WeightedLora], output: Path, *, rule: RankRule | None = None, dtype: str | None = None
) -> MergedLora:
    """Write one LoRA that changes every weight as all `inputs` at their strengths do together.

    Without a `rule` it is exact and the ranks add up; with one the sum is cut by SVD. `dtype`: fp16, bf16 or fp32;
    that of the first file by default. Raises FileFormatError for files that do not fit together, else as `write_lora`.
    """
    if not inputs:
        raise UserError("Name at least one LoRA to merge.")
    if rule:
        rule.check()
    files = read_plain_loras(inputs, "merge")
    modules: dict[str, LoraModule] = {}
    least_kept = 1.0
    for name in dict.fromkeys(name for file in files for name in file.modules):
        terms = [
            (file.modules[name], item.strength_of(name)) for item, file in zip(inputs, files) if name in file.modules
        ]
        modules[name], kept = joined(name, terms, rule)
        least_kept = min(least_kept, kept)
    metadata = {
        **common_metadata(files),
        **network_metadata(modules),
        "ss_training_comment": "merged from " + ", ".join(f"{item.path.stem} * {item.strength:g}" for item in inputs),
        "modelspec.title": output.stem,
        "modelspec.merged_from": ", ".join(item.path.stem for item in inputs),
    }
    written = write_lora(output, modules, metadata, dtype or dtype_name(files[0].dtype))
    highest = max(module.rank for module in modules.values())
    return MergedLora(output, written.sha256, written.modules, highest, least_kept)


def joined(name: str, terms: Sequence[tuple[LoraModule, float]], rule: RankRule | None) -> tuple[LoraModule, float]:
    """The sum of strength * change over `terms` as one module, and the share of its norm that was kept."""
    shape = _common_shape(name, [module for module, _ in terms])
    exact = _concatenated(terms, shape)
    if rule is None:
        return exact, 1.0
    up, down = exact.matrices(torch.float64)
    spectrum = spectrum_of_product(up * exact.scale, down)
    rank = rule.choose(spectrum.values)
    return spectrum.module(rank, shape), spectrum.kept(rank)


def _concatenated(terms: Sequence[tuple[LoraModule, float]], shape: Sequence[int]) -> LoraModule:
    """Ranks side by side. The largest factor becomes the scale, so that no matrix is enlarged (fp16 has an end)."""
    factors = [strength * module.scale for module, strength in terms]
    scale = max(map(abs, factors)) or 1.0
    ups, downs = [], []
    for (module, _), factor in zip(terms, factors):
        up, down = module.matrices(torch.float64)
        root = abs(factor / scale) ** 0.5
        ups.append(up * (root if factor >= 0 else -root))
        downs.append(down * root)
    up, down = torch.cat(ups, 1), torch.cat(downs)
    return as_module(up.float(), down.float(), shape, alpha=scale * down.shape[0])


def _common_shape(name: str, modules: Sequence[LoraModule]) -> tuple[int, ...]:
    """The shape of the weight; a 1x1 kernel and a matrix of the same size are the same weight."""
    shapes = {module.weight_shape for module in modules}
    flat = {shape[:2] if shape[2:] in ((), (1, 1)) else shape for shape in shapes}
    if len(flat) > 1:
        listed = " and ".join(str(shape) for shape in sorted(shapes))
        raise FileFormatError(f"The files do not fit together: '{name}' changes weights of shapes {listed}.")
    return max(shapes, key=len)
