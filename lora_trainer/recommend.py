"""Settings that fit: from the base, the goal, the pictures and the device, each with its reason."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import options
from .data.wording import looks_like_tags
from .presets import Preset, best_preset
from .resolve import showings_for
from .sentences import Sentence

if TYPE_CHECKING:
    from .data.records import Picture
    from .host.base import BaseInfo

FEW, ENOUGH, MANY = 10, 20, 150
"""Pictures: below FEW a run repeats itself, from ENOUGH on some can be held back, from MANY on they are much."""
MOST_HELD_BACK = 20
"""More pictures that are not trained on make the curve no smoother, and every validation longer."""
SAVES = 8
"""How many saves a run should leave to choose from."""
BUCKET = 64
PONY = re.compile("pony", re.IGNORECASE)
"""In the names of bases that were trained on pictures with their scores."""


@dataclass(frozen=True)
class Facts:
    """What a recommendation follows from. `sides` are square roots of the pictures' areas, in pixels."""

    info: BaseInfo
    goal: str
    sides: Sequence[float]
    captions: Sequence[str]
    trigger_word: str = ""

    @classmethod
    def of(cls, info: BaseInfo, goal: str, pictures: Sequence[Picture], trigger_word: str = "") -> Facts:
        shown = [picture for picture in pictures if not picture.regularization]
        sides = [(picture.size[0] * picture.size[1]) ** 0.5 for picture in shown]
        return cls(info, goal, sides, [picture.caption for picture in shown], trigger_word)

    @property
    def count(self) -> int:
        return len(self.sides)


@dataclass(frozen=True)
class Reason:
    """Why these options have these values."""

    paths: tuple[str, ...]
    sentence: str


@dataclass
class Recommendation:
    """Nested option values, and the reasons for them in the order in which they were found."""

    preset: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    reasons: list[Reason] = field(default_factory=list)

    def advise(self, values: Mapping[str, Any], sentence: Sentence) -> None:
        self.values = options.merged(self.values, options.unflattened(values))
        self.reasons.append(Reason(tuple(values), sentence))

    def get(self, path: str, default: Any) -> Any:
        value = options.value_at(self.values, path)
        return default if value is None else value


def recommend(facts: Facts, presets: Sequence[Preset], kept: Mapping[str, Any] | None = None) -> Recommendation:
    """What an expert would set. `kept` are option values by path that the user has chosen: nothing touches them.

    The device is no part of it: `jobs.advisor` knows that, and adds `precision_reason` and `memory_reason`.
    """
    found = Recommendation()
    _begin_with_preset(found, facts, presets)
    for rule in RULES:
        rule(found, facts)
    return _keeping(found, kept or {})


def precision_reason(device: str, precision: str) -> Sentence:
    """Why a device called so holds the base in 'fp32', 'bf16' or 'fp16', adapters being fp32 everywhere."""
    if precision == "fp16":
        template = "On {device} the base is held in fp16, half of fp32's memory; losses are scaled to keep gradients."
        return Sentence("advice_precision_fp16", template, device=device)
    if precision == "bf16":
        template = "On {device} the base is held in bf16: half of fp32's memory, and no number is too large for it."
        return Sentence("advice_precision_bf16", template, device=device)
    template = "On {device} the base is held in fp32, which is exact; bf16 would need half of the memory for it."
    return Sentence("advice_precision_fp32", template, device=device)


def memory_reason(need: str, total: str, device: str, changes: Mapping[str, Any]) -> Sentence:
    """Why settings are made gentler by `changes`, which are empty where nothing fits; `need` and `total` in GB."""
    values = {"need": need, "total": total, "device": device}
    if not changes:
        template = (
            "This would need about {need} GB, but {device} has {total} GB, and no gentler setting fits either: use "
            "another device."
        )
        return Sentence("advice_memory_none", template, **values)
    template = "Otherwise it would need about {need} GB, but {device} has {total} GB. So it fits: {changes}."
    return Sentence("advice_memory", template, **values, changes=in_words(changes))


def in_words(changes: Mapping[str, Any]) -> str:
    """Options by path and their values, as a list in a sentence."""
    return ", ".join(f"{path} {str(value).lower()}" for path, value in changes.items())


def _begin_with_preset(found: Recommendation, facts: Facts, presets: Sequence[Preset]) -> None:
    preset = best_preset(presets, facts.info, facts.goal)
    if preset is None:
        return
    found.preset, found.values = preset.name, dict(preset.values)
    found.reasons.append(Reason(tuple(_paths(preset.values)), preset.why))


def _resolution(found: Recommendation, facts: Facts) -> None:
    """Small pictures are not blown up; the base is never asked for less than half of what it knows."""
    if not facts.count or found.get("data.resolution", 0):
        return
    native, side = facts.info.native_resolution, statistics.median(facts.sides)
    if side >= 0.9 * native:
        return
    resolution = max(native // 2, round(side / BUCKET) * BUCKET)
    if resolution >= native:
        return
    found.advise(
        {"data.resolution": resolution},
        Sentence(
            "advice_small_pictures",
            "Half of the pictures are smaller than {side} px squared; at the base's {native} px they would only be "
            "enlarged and their blur learned.",
            side=round(side),
            native=native,
        ),
    )


def _captions(found: Recommendation, facts: Facts) -> None:
    """Tags are shuffled, sentences are not; captions that all say the same cannot be dropped."""
    described = [caption for caption in facts.captions if caption.strip() not in ("", facts.trigger_word)]
    if len(described) < facts.count / 2:
        found.advise(
            {"data.shuffle_tags": False, "data.caption_dropout": 0.0},
            Sentence(
                "advice_no_captions",
                "Most pictures have no caption of their own: the trigger word alone takes up all that they share. "
                "Captions of what should NOT be learned would keep it apart.",
            ),
        )
        return
    tags = sum(looks_like_tags(caption) for caption in described) > len(described) / 2
    if tags != bool(found.get("data.shuffle_tags", False)):
        sentence = (
            Sentence(
                "advice_tags", "The captions are tags: shuffled, their order is not learned; the first stays in front."
            )
            if tags
            else Sentence("advice_sentences", "The captions are sentences, which must stay in order.")
        )
        found.advise({"data.shuffle_tags": tags, "data.keep_tags": 1}, sentence)


def _count(found: Recommendation, facts: Facts) -> None:
    rank = int(found.get("network.rank", 16))
    scale = float(found.get("network.alpha", rank / 2)) / rank
    if 0 < facts.count < FEW:
        smaller = max(4, rank // 2)
        found.advise(
            {"network.rank": smaller, "network.alpha": smaller * scale, "network.train_text_encoder": False},
            Sentence(
                "advice_few_pictures",
                "{count} pictures are few: a smaller network learns them less by heart. More variety helps more than "
                "any setting.",
                count=facts.count,
            ),
        )
    elif facts.count >= MANY and facts.goal == "style":
        larger = min(64, rank * 2)
        found.advise(
            {"network.rank": larger, "network.alpha": larger * scale},
            Sentence(
                "advice_many_pictures",
                "{count} pictures of a style hold more than rank {rank} does.",
                count=facts.count,
                rank=rank,
            ),
        )


def _validation(found: Recommendation, facts: Facts) -> None:
    """A tenth is held back, but never so many that measuring takes as long as training."""
    if facts.count >= ENOUGH:
        share = min(0.1, round(MOST_HELD_BACK / facts.count, 4))
        found.advise(
            {"data.validation_share": share},
            Sentence(
                "advice_validation",
                "About {held} of the {count} pictures are held back: the loss on them tells which save is best.",
                held=round(share * facts.count),
                count=facts.count,
            ),
        )


def _prediction(found: Recommendation, facts: Facts) -> None:
    if facts.info.prediction_type == "v_prediction" and facts.info.zero_terminal_snr:
        found.advise(
            {"loss.min_snr_gamma": 0.0},
            Sentence(
                "advice_v_prediction",
                "The base predicts v down to pure noise, where min-SNR would take its weight away.",
            ),
        )


def _offset(found: Recommendation, facts: Facts) -> None:
    if facts.info.zero_terminal_snr and found.get("loss.noise_offset", 0.0):
        found.advise(
            {"loss.noise_offset": 0.0},
            Sentence(
                "advice_no_offset",
                "The base was trained down to pure noise: white and black grounds come out clean without an offset.",
            ),
        )


def _prompts(found: Recommendation, facts: Facts) -> None:
    """Nothing is set: what samples show is the user's own."""
    if PONY.search(facts.info.name):
        sentence = (
            "Pony draws well where prompts begin with score_9, score_8_up, score_7_up: begin those of the samples so, "
            "not the captions, which would tie the words to your pictures."
        )
        found.reasons.append(Reason(("samples.prompts",), Sentence("advice_pony", sentence)))


def _length(found: Recommendation, facts: Facts) -> None:
    """About as many showings as experts use, and a save for each eighth."""
    if not facts.count or found.get("steps", 0):
        return
    batch = int(found.get("data.batch_size", 1)) * int(found.get("optimizer.accumulation", 1))
    steps = max(SAVES, round(showings_for(facts.count) / batch))
    every = max(1, round(steps / SAVES / 10) * 10)
    found.advise(
        {"steps": steps, "save.every": every},
        Sentence(
            "advice_length",
            "{count} pictures are shown {showings} times in all, each about {each} times, {batch} in a step; every "
            "{every} steps there is a save to choose from.",
            count=facts.count,
            each=max(1, round(steps * batch / facts.count)),
            showings=steps * batch,
            batch=batch,
            every=every,
        ),
    )


RULES: tuple[Callable[[Recommendation, Facts], None], ...] = (
    _resolution,
    _captions,
    _count,
    _validation,
    _prediction,
    _offset,
    _prompts,
    _length,
)


def _keeping(found: Recommendation, kept: Mapping[str, Any]) -> Recommendation:
    """Without advice on what the user has chosen; a reason that advises nothing else goes as well."""
    reasons = []
    for reason in found.reasons:
        paths = tuple(path for path in reason.paths if path not in kept)
        if paths:
            reasons.append(Reason(paths, reason.sentence))
    values = options.merged(found.values, options.unflattened(kept))
    return Recommendation(found.preset, dict(values), reasons)


def _paths(values: Mapping[str, Any], before: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _paths(value, f"{before}{key}.")
        else:
            yield f"{before}{key}"
