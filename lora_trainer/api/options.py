"""Options, checking and YAML."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any

from starlette.responses import PlainTextResponse, Response

from .. import options
from ..checks import registries
from ..config import Folder
from ..errors import ConfigError, UserError
from ..options import Option
from ..sentences import Sentence, to_json
from ..wire import settings as wire
from ..wire.common import YAML, Run, Values
from .call import Call, Entry, Malformed, wrong_value
from .errors import Refused, problem_json

LONGEST_YAML = 128 * 2**10
"""Bytes: PyYAML reads some hundred kB in a second."""


def all_options(call: Call) -> dict[str, Any]:
    """Every option by section, in the order of the configuration."""
    sections: dict[str, list[dict[str, Any]]] = {}
    tables = registries()
    for option in options.walk():
        section = option.path.rpartition(".")[0] or "run"
        known = tables[option.path].names() if option.path in tables else list(option.choices)
        sections.setdefault(section, []).append(_option_json(option, known))
    return {"sections": [{"name": name, "options": rows} for name, rows in sections.items()]}


def check(call: Call) -> dict[str, Any]:
    """What is wrong with the values, else what the run will be."""
    given = call.given(Run)
    try:
        config = call.desk.config(given.values, given.dataset)
        summary = call.desk.forecaster.summary(config)
    except ConfigError as error:
        problems = [problem_json(problem) for problem in error.problems]
        return {"problems": problems, "summary": None, "sentence": problems[0]}
    except UserError as error:
        return {"problems": [problem_json(error.sentence)], "summary": None, "sentence": to_json(error.sentence)}
    return {"problems": [], "summary": summary.to_json(), "sentence": to_json(summary.sentence())}


def read_yaml(call: Call) -> dict[str, Any]:
    """The values in a text of options, also a flat lora-scripts one; `check` tells what is wrong with them."""
    if len(call.body) > LONGEST_YAML:
        raise Refused(Sentence("yaml_long", "The text holds more than {most} kB.", most=LONGEST_YAML // 2**10), 413)
    try:
        text = call.body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Malformed(wrong_value("body", "a text in UTF-8")) from None
    return {"values": _plain(options.parse_yaml(text, "that was read"))}


def write_yaml(call: Call) -> Response:
    """The whole configuration as YAML."""
    config = options.build(options.unflattened(call.given(Values).values))
    return PlainTextResponse(options.to_yaml(config), media_type="application/yaml")


def _option_json(option: Option, choices: list[Any]) -> dict[str, Any]:
    default = [dataclasses.asdict(one) if isinstance(one, Folder) else one for one in _as_list(option.default)]
    return {
        "path": option.path,
        "type": _type_name(option.type),
        "default": default if isinstance(option.default, list) else option.default,
        "help": option.help,
        "level": option.level,
        "least": option.least,
        "most": option.most,
        "choices": choices,
    }


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _type_name(kind: Any) -> str:
    origin = typing.get_origin(kind)
    if origin is list:
        return "folders" if typing.get_args(kind)[0] is Folder else "list[str]"
    return "dict" if origin is dict else str(kind.__name__)


def _plain(value: Any) -> Any:
    """YAML's dates and keys of other types as texts."""
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(entry) for entry in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


ROUTES = (
    Entry("GET", "/options", all_options, gives=wire.AllOptions),
    Entry("POST", "/check", check, slow=True, takes=Run, gives=wire.Checked),
    Entry("POST", "/yaml/read", read_yaml, slow=True, takes=YAML, gives=wire.ReadValues),
    Entry("POST", "/yaml/write", write_yaml, takes=Values, gives=YAML),
)
