"""Reads the option tree of `config`: values in, a validated TrainConfig or every problem at once out."""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .config import Folder, TrainConfig
from .errors import ConfigError
from .registry import suggest
from .scalars import SCALARS, YAML_WORDS, Wrong, plain
from .sentences import Sentence

MOST_GIVEN = 1000
"""How many options a text may name at once: there are about a hundred, and each that is unknown gets a sentence."""

MOST_PARTS = 8
"""Of a dotted path: more are part of a name that nobody knows."""


@dataclass(frozen=True)
class Option:
    """One option of the tree: its dotted path, its type as written, and what `config.option` says of it."""

    path: str
    type: Any
    default: Any
    help: str
    level: str
    least: float | None
    most: float | None
    choices: tuple[Any, ...]
    also: tuple[str, ...]
    place: bool


def walk(section: type = TrainConfig, prefix: str = "") -> Iterator[Option]:
    """All options below `section`, in the order in which they are written."""
    hints = typing.get_type_hints(section)
    for item in dataclasses.fields(section):
        kind, path = hints[item.name], prefix + item.name
        if dataclasses.is_dataclass(kind):
            yield from walk(typing.cast(type, kind), path + ".")
        else:
            default = item.default_factory() if callable(item.default_factory) else item.default
            yield Option(path, kind, default, **item.metadata)


def build(values: Mapping[str, Any]) -> TrainConfig:
    """A TrainConfig from nested values. Raises ConfigError with every problem at once."""
    config, problems = read(values)
    if problems:
        raise ConfigError(problems)
    return config


def read(values: Mapping[str, Any]) -> tuple[TrainConfig, list[str]]:
    """A TrainConfig from nested values, and a sentence for everything wrong in them, where defaults stand in."""
    problems: list[str] = []
    return _section(TrainConfig, values, "", problems), problems


def load(path: Path, changes: Sequence[str] = ()) -> TrainConfig:
    """Read a YAML file, ours or a flat lora-scripts one, and apply `changes` such as 'network.rank=8'."""
    return build(merged(read_yaml(path), parse_changes(changes)))


def read_yaml(path: Path) -> dict[str, Any]:
    """The nested values in a YAML file; flat lora-scripts keys are put where they belong. Raises ConfigError."""
    try:
        content = path.read_bytes()  # bytes, for PyYAML knows UTF-16 by its mark: PowerShell writes that
    except FileNotFoundError:
        raise ConfigError([_yaml_missing(path)]) from None
    except OSError as error:
        reason = "it is a folder" if path.is_dir() else f"{error.strerror or error}"
        raise ConfigError([_yaml_unreadable(path, reason)]) from error
    return parse_yaml(content, path)


def parse_yaml(text: str | bytes, source: Path | str) -> dict[str, Any]:
    """As `read_yaml`, for the text of `source`."""
    import yaml

    from .plain_yaml import load

    try:
        values = load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError([_yaml_unreadable(source, _yaml_problem(error))]) from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        sentence = "The configuration file {file} must hold 'option: value' lines."
        raise ConfigError([Sentence("yaml_no_options", sentence, file=str(source))])
    return unflattened(values)


def _yaml_missing(path: Path) -> Sentence:
    return Sentence("yaml_missing", "The configuration file {file} does not exist.", file=str(path))


def _yaml_unreadable(source: Path | str, reason: str) -> Sentence:
    sentence = "The configuration file {file} cannot be read: {error}."
    return Sentence("yaml_unreadable", sentence, file=str(source), error=reason)


def _yaml_problem(error: Exception) -> str:
    """What PyYAML says and where; Windows paths in double quotes are the usual cause of a wrong escape."""
    if "unacceptable character" in str(error):
        return "it is no UTF-8 text; save it as UTF-8"
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or str(error)
    place = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    hint = "; write paths without quotes, in single ones, or with /" if "escape" in problem else ""
    return f"{problem}{place}{hint}"


def unflattened(values: Mapping[str, Any]) -> dict[str, Any]:
    """Nested values from a mix of nested keys, dotted keys and flat lora-scripts keys."""
    if len(values) > MOST_GIVEN:
        sentence = "There are {count} options, where at most {most} can be meant."
        raise ConfigError([Sentence("options_many", sentence, count=len(values), most=MOST_GIVEN)])
    nested: dict[str, Any] = {}
    for key, value in values.items():
        nested = merged(nested, _nest(_known_path(str(key)), value))
    return nested


def _known_path(key: str) -> str:
    """The path of an option that a lora-scripts file calls `key`; any other key is its own path."""
    return _paths_by_flat_key().get(key, key)


@functools.cache
def _paths_by_flat_key() -> dict[str, str]:
    return {key: option.path for option in [*walk()][::-1] for key in option.also}


def parse_changes(changes: Sequence[str]) -> dict[str, Any]:
    """Nested values from 'option.path=value' texts; flat lora-scripts keys count as well. Raises ConfigError."""
    problems = [
        f"'{change}' is not of the form option.path=value, e.g. network.rank=8."
        for change in changes
        if "=" not in change
    ]
    if problems:
        raise ConfigError(problems)
    nested: dict[str, Any] = {}
    texts = {option.path for option in walk() if option.type is str and not option.choices}
    for change in changes:
        path, _, text = change.partition("=")
        path = _known_path(path.strip())
        nested = merged(nested, _nest(path, _value_of(text, is_text=path in texts)))
    return nested


def _value_of(text: str, *, is_text: bool) -> Any:
    """A value on the command line, read as YAML; what is meant as a text stays as it was written ('007', 'a: b')."""
    import yaml

    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    if is_text and not isinstance(value, str):
        return text
    return "" if value is None else value


def merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the leaves of `change` in place of its own."""
    result = dict(base)
    for key, value in change.items():
        old = result.get(key)
        both_sections = isinstance(old, Mapping) and isinstance(value, Mapping)
        result[key] = merged(typing.cast(Mapping, old), value) if both_sections else value
    return result


def value_at(values: Mapping[str, Any], path: str) -> Any:
    """The value under a dotted path of nested values; None where there is none."""
    level: Any = values
    for key in path.split("."):
        level = level.get(key) if isinstance(level, Mapping) else None
    return level


def to_values(config: TrainConfig) -> dict[str, Any]:
    """The whole tree as plain nested values; `build` is its inverse."""
    return dataclasses.asdict(config)


def differences(before: TrainConfig, after: TrainConfig) -> list[str]:
    """Dotted paths of the options whose values differ."""

    def leaf(config: TrainConfig, path: str) -> Any:
        return functools.reduce(getattr, path.split("."), config)

    return [option.path for option in walk() if leaf(before, option.path) != leaf(after, option.path)]


def to_yaml(config: TrainConfig) -> str:
    import yaml

    return yaml.safe_dump(to_values(config), sort_keys=False, allow_unicode=True, width=120)


def _nest(path: str, value: Any) -> dict[str, Any]:
    for key in reversed(path.split(".", MOST_PARTS)):
        value = {key: value}
    return value


def _section(section: type, values: Any, prefix: str, problems: list[str]) -> Any:
    """An instance of the dataclass `section`; what is wrong goes into `problems`."""
    if not isinstance(values, Mapping):
        place = prefix.rstrip(".")
        sentence = "{place} must hold options, not {value}."
        named = {"path": place, "place": place or "The configuration", "value": repr(values)}
        problems.append(Sentence("option_section", sentence, **named))
        return section()
    hints, given = typing.get_type_hints(section), {}
    fields = {item.name: item for item in dataclasses.fields(section)}
    for key, value in values.items():
        if key not in fields:
            problems.append(_unknown(f"{prefix}{key}", section, prefix))
        elif dataclasses.is_dataclass(hints[key]):
            given[key] = _section(
                typing.cast(type, hints[key]), {} if value is None else value, f"{prefix}{key}.", problems
            )
        else:
            given[key] = _checked(prefix + key, hints[key], fields[key], value, problems)
    return section(**given)


def _unknown(path: str, section: type, prefix: str) -> Sentence:
    hint = _suggest_path(path, section, prefix)
    return Sentence("option_unknown", "There is no option '{path}'. {hint}", path=path, hint=hint)


def _suggest_path(path: str, section: type, prefix: str) -> str:
    if section is Folder:
        return suggest(path.rpartition(".")[2], [item.name for item in dataclasses.fields(Folder)])
    known = [option.path for option in walk()]
    same_name = [name for name in known if name.rpartition(".")[2] == path.rpartition(".")[2]]
    if same_name:
        return f"Did you mean '{same_name[0]}'?"
    flat = [key for option in walk() for key in option.also] if not prefix else []
    near = suggest(path, [*known, *flat])
    return near if near.startswith("Did") else "`python -m lora_trainer options` lists them all."


def _checked(path: str, kind: Any, item: dataclasses.Field, value: Any, problems: list[str]) -> Any:
    """`value` as `kind` within its bounds; on a problem it is noted, and the default stands in."""
    try:
        value = _coerced(path, kind, value, item.metadata["choices"], problems)
        _check_bounds(value, item.metadata)
    except Wrong as wrong:
        problems.append(wrong.sentence(path, value))
        return item.default_factory() if callable(item.default_factory) else item.default
    return value


def _check_bounds(value: Any, metadata: Mapping[str, Any]) -> None:
    choices, least, most = metadata["choices"], metadata["least"], metadata["most"]
    if choices and value not in choices:
        raise Wrong("option_choice", "must be one of {choices}", choices=", ".join(map(str, choices)))
    numbers = value.values() if isinstance(value, Mapping) else [value]
    if least is not None and not all(least <= number <= most for number in numbers):
        raise Wrong("option_bounds", "must lie between {least} and {most}", least=plain(least), most=plain(most))


def _coerced(path: str, kind: Any, value: Any, choices: Sequence[Any], problems: list[str]) -> Any:
    """`value` as the type `kind`. Raises Wrong."""
    origin = typing.get_origin(kind)
    if origin is list:
        inner = typing.get_args(kind)[0]
        items = value if isinstance(value, list) else [] if value in ("", None) else [value]
        return [_coerced(f"{path}[{n}]", inner, entry, (), problems) for n, entry in enumerate(items)]
    if origin is dict:
        return _coerced_table(kind, value)
    if kind is Folder:
        return Folder(path=value) if isinstance(value, str) else _section(Folder, value, f"{path}.", problems)
    if isinstance(value, bool) and kind is str and choices:
        return next((word for word in YAML_WORDS[value] if word in choices), str(value).lower())
    return SCALARS[kind](value)


def _coerced_table(kind: Any, value: Any) -> dict[str, Any]:
    inner = typing.get_args(kind)[1]
    if value in ("", None):
        return {}
    if not isinstance(value, Mapping):
        raise Wrong("option_table", "must be a table such as {{name: value}}")
    return {str(key): entry if inner is Any else SCALARS[inner](entry) for key, entry in value.items()}
