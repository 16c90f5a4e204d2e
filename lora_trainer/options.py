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
from .sentences import Sentence

YAML_WORDS = {True: ("on", "yes", "true"), False: ("off", "no", "false")}
"""Words that YAML reads as truth values; as choices of an option they are meant as words."""


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
    problems: list[str] = []
    config = _section(TrainConfig, values, "", problems)
    if problems:
        raise ConfigError(problems)
    return config


def load(path: Path, changes: Sequence[str] = ()) -> TrainConfig:
    """Read a YAML file, ours or a flat lora-scripts one, and apply `changes` such as 'network.rank=8'."""
    return build(merged(read_yaml(path), parse_changes(changes)))


def read_yaml(path: Path) -> dict[str, Any]:
    """The nested values in a YAML file; flat lora-scripts keys are put where they belong. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        sentence = "The configuration file {file} does not exist."
        raise ConfigError([Sentence("yaml_missing", sentence, file=str(path))]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([_yaml_unreadable(path, error)]) from error
    return parse_yaml(text, path)


def parse_yaml(text: str, source: Path | str) -> dict[str, Any]:
    """As `read_yaml`, for the text of `source`. Aliases are refused: with them a short text holds endless values."""
    import yaml

    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise yaml.YAMLError("aliases (*name) are not supported")
        values = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError([_yaml_unreadable(source, error)]) from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        sentence = "The configuration file {file} must hold 'option: value' lines."
        raise ConfigError([Sentence("yaml_no_options", sentence, file=str(source))])
    return unflattened(values)


def _yaml_unreadable(source: Path | str, error: Exception) -> Sentence:
    sentence = "The configuration file {file} cannot be read: {error}"
    return Sentence("yaml_unreadable", sentence, file=str(source), error=str(error))


def unflattened(values: Mapping[str, Any]) -> dict[str, Any]:
    """Nested values from a mix of nested keys, dotted keys and flat lora-scripts keys."""
    known = {key: option.path for option in walk() for key in option.also}
    nested: dict[str, Any] = {}
    for key, value in values.items():
        path = known.get(str(key), str(key))
        nested = merged(nested, _nest(path, value))
    return nested


def parse_changes(changes: Sequence[str]) -> dict[str, Any]:
    """Nested values from 'option.path=value' texts; the value is read as YAML. Raises ConfigError."""
    import yaml

    nested: dict[str, Any] = {}
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals:
            raise ConfigError([f"'{change}' is not of the form option.path=value, e.g. network.rank=8."])
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            value = text
        nested = merged(nested, _nest(path.strip(), "" if value is None else value))
    return nested


def merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the leaves of `change` in place of its own."""
    result = dict(base)
    for key, value in change.items():
        old = result.get(key)
        both_sections = isinstance(old, Mapping) and isinstance(value, Mapping)
        result[key] = merged(typing.cast(Mapping, old), value) if both_sections else value
    return result


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
    for key in reversed(path.split(".")):
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


class Wrong(ValueError):
    """Ends the sentence 'option is value, but ...'."""

    def __init__(self, code: str, ending: str, **values: Any) -> None:
        super().__init__(ending.format(**values))
        self._code, self._ending, self._values = code, ending, values

    def sentence(self, path: str, value: Any) -> Sentence:
        """The whole of it."""
        return Sentence(
            self._code, "{path} is {value}, but " + self._ending + ".", path=path, value=repr(value), **self._values
        )


def _check_bounds(value: Any, metadata: Mapping[str, Any]) -> None:
    choices, least, most = metadata["choices"], metadata["least"], metadata["most"]
    if choices and value not in choices:
        raise Wrong("option_choice", "must be one of {choices}", choices=", ".join(map(str, choices)))
    if least is not None and not least <= value <= most:
        raise Wrong("option_bounds", "must lie between {least} and {most}", least=f"{least:g}", most=f"{most:g}")


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
    return _SCALARS[kind](value)


def _coerced_table(kind: Any, value: Any) -> dict[str, Any]:
    inner = typing.get_args(kind)[1]
    if value in ("", None):
        return {}
    if not isinstance(value, Mapping):
        raise Wrong("option_table", "must be a table such as {{name: value}}")
    return {str(key): entry if inner is Any else _SCALARS[inner](entry) for key, entry in value.items()}


def _number(value: Any) -> float:
    """A float; YAML 1.1 reads '1e-4' as text, so numbers in text count as well."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise Wrong("option_number", "must be a number")
    try:
        number = float(value)
    except ValueError:
        raise Wrong("option_number", "must be a number") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise Wrong("option_finite", "must be a finite number")
    return number


def _whole(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    number = _number(value)
    if number != int(number):
        raise Wrong("option_whole", "must be a whole number")
    return int(number)


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    for truth, words in YAML_WORDS.items():
        if str(value).lower() in words:
            return truth
    raise Wrong("option_truth", "must be true or false")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        raise Wrong("option_text", "must be a text")
    return str(value)


_SCALARS: dict[Any, typing.Callable[[Any], Any]] = {float: _number, int: _whole, bool: _truth, str: _text}
