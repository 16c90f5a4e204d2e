"""A LoRA with another rank: the best approximation of every module's change, by SVD."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import torch

from ..files.lora import LoraModule
from ..files.read import read_lora
from ..files.write import write_lora
from ..lowrank import RankRule, padded, spectrum_of_product
from .common import dtype_name, network_metadata


@dataclass(frozen=True)
class ResizedLora:
    """A resized LoRA file. Ranks as {rank: modules}; kept shares are of the Frobenius norm of a module's change."""

    path: Path
    sha256: str
    ranks_before: dict[int, int]
    ranks: dict[int, int]
    least_kept: float
    mean_kept: float


def resize_lora(source: Path, output: Path, *, rule: RankRule, dtype: str | None = None) -> ResizedLora:
    """Write `source` with other ranks; a fixed rank above a module's own is reached with zeros.

    `dtype`: fp16, bf16 or fp32; that of `source` by default. Raises FileFormatError for what is no LoRA, UserError for
    a rule that says nothing, else as `write_lora`.
    """
    rule.check()
    file = read_lora(source)
    file.require_plain("resize")
    resized = {name: resize_module(module, rule) for name, module in file.modules.items()}
    modules = {name: module for name, (module, _) in resized.items()}
    kept = [share for _, share in resized.values()]
    before = Counter(module.rank for module in file.modules.values())
    metadata = {**file.metadata, **network_metadata(modules)}
    comment = metadata.get("ss_training_comment", "None")
    metadata["ss_training_comment"] = f"resized from rank {', '.join(map(str, sorted(before)))}" + (
        "" if comment in ("None", "") else f"; {comment}"
    )
    written = write_lora(output, modules, metadata, dtype or dtype_name(file.dtype))
    after = Counter(module.rank for module in modules.values())
    return ResizedLora(output, written.sha256, dict(before), dict(after), min(kept), sum(kept) / len(kept))


def resize_module(module: LoraModule, rule: RankRule) -> tuple[LoraModule, float]:
    """The module with the rank that `rule` chooses, and the share of its norm that was kept.

    The scale alpha / rank stays, so that training goes on at the same pace. Tucker modules come out as plain ones.
    """
    up, down = module.matrices(torch.float64)
    if rule.keep is None and rule.rank is not None and rule.rank >= module.rank:
        return padded(module, max(module.rank, min(rule.rank, up.shape[0], down.shape[1]))), 1.0
    spectrum = spectrum_of_product(up, down)
    rank = rule.choose(spectrum.values)
    resized = spectrum.module(rank, module.weight_shape)
    resized.alpha = module.scale * rank
    return resized, spectrum.kept(rank)
