"""Presets: all that there are, and the user's own kept, shared and deleted."""

from __future__ import annotations

import dataclasses
from typing import Any

from starlette.responses import PlainTextResponse, Response

from .. import options
from ..errors import NotFound
from ..presets import Given, Preset, from_text, lineage_of, make_preset, to_text
from ..sentences import Sentence, to_json
from ..wire import settings as wire
from ..wire.common import YAML, Nothing
from .call import Call, Entry
from .files import kept_as


def all_presets(call: Call) -> list[dict[str, Any]]:
    """The shipped ones in their order, then the user's own."""
    return [preset_json(preset) for preset in call.desk.presets()]


def save(call: Call) -> dict[str, Any]:
    """Keep what the values change as a preset for bases like the held one. `replace`: one of that name may be there."""
    given, info = call.given(wire.NewPreset), call.desk.host.describe()
    made = make_preset(
        given.title,
        given.why,
        options.unflattened(given.values),
        families=(info.family,),
        lineage=lineage_of(info),
    )
    return _kept(call, made, replace=given.replace)


def take(call: Call) -> dict[str, Any]:
    """Keep a shared preset, or a file of options, whose text is sent; `source` is what the file was called."""
    given = call.given(wire.PresetText)
    made = from_text(given.text.encode("utf-8", "replace"), given.source or "pasted.yaml")
    return _kept(call, made, replace=given.replace)


def share(call: Call) -> Response:
    """One as a file, resolved whole."""
    preset = _preset(call)
    headers = {"content-disposition": kept_as(f"{preset.name}.yaml")}
    return PlainTextResponse(to_text(preset), media_type="application/yaml", headers=headers)


def delete(call: Call) -> dict[str, Any]:
    """Forget one of the user's own."""
    call.desk.own_presets.delete(call.path["name"])
    return {}


def preset_json(preset: Preset) -> dict[str, Any]:
    return {**dataclasses.asdict(preset), "title": to_json(preset.title), "why": to_json(preset.why)}


def _kept(call: Call, given: Given, *, replace: bool) -> dict[str, Any]:
    preset = call.desk.own_presets.save(given.preset, replace=replace)
    return {**preset_json(preset), "left_out": list(given.left_out)}


def _preset(call: Call) -> Preset:
    name = call.path["name"]
    preset = next((preset for preset in call.desk.presets() if preset.name == name), None)
    if preset is None:
        raise NotFound(Sentence("preset_missing", "There is no preset called '{name}'.", name=name))
    return preset


ROUTES = (
    Entry("GET", "/presets", all_presets, gives=list[wire.Preset]),
    Entry("POST", "/presets", save, slow=True, takes=wire.NewPreset, gives=wire.KeptPreset, errors=(409,)),
    Entry("POST", "/presets/import", take, slow=True, takes=wire.PresetText, gives=wire.KeptPreset, errors=(409,)),
    Entry("GET", "/presets/{name}", share, gives=YAML),
    Entry("DELETE", "/presets/{name}", delete, slow=True, gives=Nothing),
)
