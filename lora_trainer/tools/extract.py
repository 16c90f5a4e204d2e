"""A LoRA from the difference of two checkpoints: what a full training changed, at low rank."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ..checkpoints import Checkpoint, open_checkpoint
from ..config import EPSILON, V_PREDICTION
from ..errors import FileFormatError, UserError
from ..families.detect import V_MARK
from ..files.lora import LoraModule
from ..files.write import write_lora
from ..lowrank import RankRule, spectrum_of_matrix
from ..twin.lora_names import CONV3
from .common import family_metadata, network_metadata
from .weights import WeightMap, weight_map


@dataclass(frozen=True)
class ExtractedLora:
    """An extracted LoRA file. Kept shares are of the Frobenius norm of a weight's difference."""

    path: Path
    sha256: str
    ranks: dict[int, int]
    unchanged: int
    least_kept: float
    mean_kept: float


@dataclass(frozen=True)
class ExtractRules:
    """What is extracted, and how finely.

    conv: of the 3x3 kernels; None leaves the residual blocks out. clamp: a quantile (kohya's default 0.99) that limits
    outliers in the matrices; None keeps them as they are. text: the text encoders as well.
    """

    linear: RankRule = field(default_factory=lambda: RankRule(rank=32))
    conv: RankRule | None = None
    clamp: float | None = None
    text: bool = True

    def check(self) -> None:
        """Raise UserError for impossible values."""
        self.linear.check()
        if self.conv:
            self.conv.check()
        if self.clamp is not None and not 0.5 < self.clamp <= 1:
            raise UserError(f"The clamp quantile must be above 0.5 and at most 1, not {self.clamp:g}.")


def extract_lora(
    base: Path, tuned: Path, output: Path, *, rules: ExtractRules | None = None, dtype: str = "fp16"
) -> ExtractedLora:
    """Write the LoRA that turns `base` into `tuned` as well as its ranks allow; reads two weights at a time.

    Weights that are equal get no module. Raises FileFormatError when the checkpoints are of different kinds or equal,
    BaseModelError for what is no base, else as `write_lora`.
    """
    rules = rules or ExtractRules()
    rules.check()
    with open_checkpoint(base) as before, open_checkpoint(tuned) as after:
        places, others = weight_map(before), weight_map(after)
        if (places.family, places.unet, places.texts) != (others.family, others.unet, others.texts):
            raise FileFormatError(
                f"'{base}' ({places.family.label}) and '{tuned}' ({others.family.label}) are not laid out alike; "
                "choose the base that the other was trained from."
            )
        modules, kept, unchanged = _differences(before, after, places, rules)
        says_v = V_MARK in after or after.hints.prediction_type == V_PREDICTION
    if not modules:
        raise FileFormatError(f"'{base}' and '{tuned}' do not differ in any weight that a LoRA holds.")
    metadata = {
        **family_metadata(places.family.name, V_PREDICTION if says_v else EPSILON),
        **network_metadata(modules),
        "ss_sd_model_name": base.name,
        "ss_training_comment": f"extracted from {tuned.stem} - {base.stem}",
        "modelspec.title": output.stem,
    }
    written = write_lora(output, modules, metadata, dtype)
    ranks = dict(Counter(module.rank for module in modules.values()))
    return ExtractedLora(output, written.sha256, ranks, unchanged, min(kept), sum(kept) / len(kept))


def _differences(
    before: Checkpoint, after: Checkpoint, places: WeightMap, rules: ExtractRules
) -> tuple[dict[str, LoraModule], list[float], int]:
    """The modules, the share of each that was kept, and the number of equal weights."""
    modules, kept, unchanged = {}, [], 0
    for target in places.targets(conv=rules.conv is not None):
        if not rules.text and target.part != "unet":
            continue
        name = target.lora_name
        difference = places.read(after, name).double() - places.read(before, name).double()
        if not bool(difference.any()):
            unchanged += 1
            continue
        rule = rules.conv if target.kind == CONV3 and rules.conv else rules.linear
        modules[name], share = module_of_difference(difference, rule, rules.clamp)
        kept.append(share)
    return modules, kept, unchanged


def module_of_difference(
    difference: torch.Tensor, rule: RankRule, clamp: float | None = None
) -> tuple[LoraModule, float]:
    """The best module for a weight's difference (out, in[, kh, kw]), and the share of its norm that is kept."""
    spectrum = spectrum_of_matrix(difference.flatten(1))
    rank = rule.choose(spectrum.values)
    module = spectrum.module(rank, difference.shape)
    if clamp is not None:
        values = torch.cat([module.up.flatten(), module.down.flatten()]).abs()
        limit = values.kthvalue(max(1, round(clamp * values.numel()))).values.item()
        module.up.clamp_(-limit, limit)
        module.down.clamp_(-limit, limit)
    return module, spectrum.kept(rank)
