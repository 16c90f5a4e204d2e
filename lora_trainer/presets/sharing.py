"""Presets as texts that go from hand to hand: written without anything personal, read with distrust."""

from __future__ import annotations

import functools
import json
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .. import options
from ..checks import amiss
from ..config import TrainConfig
from ..errors import ConfigError, UserError
from ..files.names import safe_stem
from ..sentences import Sentence
from .preset import GOALS, Preset

MOST_BYTES = 64 * 2**10
LONGEST_TITLE, LONGEST_WHY = 80, 600
FAMILIES = ("sd1", "sd2", "sdxl")
KEYS = ("title", "why", "families", "lineage", "goal", "values")
PERSONAL = (
    "base.checkpoint",
    "base.vae",
    "base.family",
    "base.prediction_type",
    "base.zero_terminal_snr",
    "data.folders",
    "data.metadata",
    "data.trigger_word",
    "data.cache_folder",
    "network.train_on",
    "memory.device",
    "samples.prompts",
    "save.name",
    "save.output",
    "save.comment",
    "save.log_folder",
    "save.wandb",
    "save.wandb_project",
    "save.wandb_samples",
)
"""Options that say which base, pictures, machine, name or account: never part of a preset."""
HEAD = (
    "# A preset of Train LoRA: import it in the tab's settings, or with `python -m lora_trainer presets import FILE`.\n"
)


@dataclass(frozen=True)
class Given:
    """What a text held: a preset, and the personal options that it said something of and that were left out."""

    preset: Preset
    left_out: tuple[str, ...] = ()


def make_preset(
    title: str,
    why: str,
    values: Mapping[str, Any],
    *,
    families: tuple[str, ...] = (),
    lineage: str = "",
    goal: str = "",
) -> Given:
    """A preset of the user's from nested values: of them only what differs from the defaults, and nothing personal.

    Raises ConfigError with everything that is wrong.
    """
    head = {"title": title, "why": why, "families": list(families), "lineage": lineage, "goal": goal}
    problems: list[str] = [*_head_problems(head)]
    config, wrong = options.read(values)
    changed = options.differences(TrainConfig(), config)
    kept = {path: _value(config, path) for path in changed if path not in PERSONAL}
    problems += [*wrong, *_strange(options.read(options.unflattened(kept))[0]), *_unwritable(kept)]
    if not kept and not problems:
        problems.append(Sentence("preset_empty", "Nothing differs from the defaults: there is nothing to keep."))
    if problems:
        raise ConfigError(problems)
    name, why = safe_stem(_plain(title)), _plain(why)
    preset = Preset(name, _plain(title), why, options.unflattened(kept), families, lineage=lineage, goal=goal, own=True)
    return Given(preset, tuple(path for path in changed if path in PERSONAL))


def to_text(preset: Preset) -> str:
    """A preset as a YAML file that `from_text` reads."""
    import yaml

    content: dict[str, Any] = {"title": str(preset.title), "why": str(preset.why)}
    if preset.families:
        content["families"] = list(preset.families)
    content |= {key: value for key in ("lineage", "goal") if (value := getattr(preset, key))}
    content["values"] = dict(preset.values)
    return HEAD + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)


def from_text(text: bytes, source: str) -> Given:
    """The preset in a text: a shared one, or any file of options, also a flat one of lora-scripts.

    `source` is what it is called where it comes from; it is the title of a file that has none.
    Raises ConfigError with everything that is wrong.
    """
    if len(text) > MOST_BYTES:
        sentence = "'{source}' holds more than {most} kB, which no preset does."
        raise ConfigError([Sentence("preset_large", sentence, source=source, most=MOST_BYTES // 2**10)])
    content = options.parse_yaml(text, source)
    if not isinstance(content.get("values"), Mapping):
        sentence = Sentence("preset_from_file", "Settings of the file {source}.", source=source)
        return make_preset(source.rpartition(".")[0] or source, sentence, content)
    unknown = [
        Sentence("preset_key", "'{key}' is no part of a preset; these are: {known}.", key=key, known=", ".join(KEYS))
        for key in content
        if key not in KEYS
    ]
    try:
        given = make_preset(
            _text(content, "title") or source.rpartition(".")[0] or source,
            _text(content, "why"),
            options.unflattened(content["values"]),
            families=tuple(map(str, _listed(content.get("families")))),
            lineage=_text(content, "lineage"),
            goal=_text(content, "goal"),
        )
    except ConfigError as error:
        raise ConfigError([*unknown, *error.problems]) from error
    if unknown:
        raise ConfigError(unknown)
    return given


def _head_problems(head: Mapping[str, Any]) -> Iterator[Sentence]:
    """What is wrong with everything but the options."""
    for key, longest in (("title", LONGEST_TITLE), ("why", LONGEST_WHY)):
        text = _plain(head[key])
        if not text or len(text) > longest:
            sentence = "The preset's {key} must have 1 to {most} letters."
            yield Sentence("preset_text", sentence, key=key, most=longest)
    try:
        safe_stem(_plain(head["title"]) or "-")
    except UserError as error:
        yield Sentence("preset_title", "{problem}", problem=str(error))
    known = {"families": (*FAMILIES,), "lineage": ("", "tags"), "goal": ("", *GOALS)}
    for key, choices in known.items():
        for value in _listed(head[key]):
            if value not in choices:
                sentence = "The preset's {key} is '{value}', but must be one of {known}."
                yield Sentence("preset_choice", sentence, key=key, value=value, known=", ".join(filter(None, choices)))


def _strange(config: TrainConfig) -> list[Sentence]:
    """What contradicts itself or is unknown; classes from elsewhere, which a shared file must not load, are named."""
    if "." in config.optimizer.name:
        sentence = "{path} is '{value}': a preset can only name built-in optimizers."
        return [Sentence("preset_optimizer", sentence, path="optimizer.name", value=config.optimizer.name)]
    return amiss(config)


def _unwritable(values: Mapping[str, Any]) -> Iterator[Sentence]:
    """What YAML can hold and a page cannot, as dates in a table of arguments."""
    for path, value in values.items():
        try:
            json.dumps(value)
        except (TypeError, ValueError):
            sentence = "{path} holds something else than numbers, texts, lists and tables."
            yield Sentence("preset_value", sentence, path=path)


def _value(config: TrainConfig, path: str) -> Any:
    return functools.reduce(getattr, path.split("."), config)


def _text(content: Mapping[str, Any], key: str) -> str:
    value = content.get(key)
    return "" if value is None else str(value)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def _plain(text: str) -> str:
    """One line without what nobody can see."""
    seen = "".join(" " if unicodedata.category(letter) in ("Cc", "Cf", "Cs") else letter for letter in str(text))
    return " ".join(seen.split())
