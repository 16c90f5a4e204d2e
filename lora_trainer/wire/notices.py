"""Channels that notices go out through."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypedDict

from .common import Told


class Outcome(TypedDict):
    """How a notice went; `message` is what went wrong."""

    ok: bool
    at: float
    occasion: str
    message: Told | None


class Channel(TypedDict):
    """What may be known of a channel: of secrets only which there are."""

    id: str
    kind: str
    name: str
    when: list[str]
    on: bool
    place: str
    values: dict[str, str]
    secrets: list[str]
    outcome: Outcome | None


class Channels(TypedDict):
    """The channels, and what can be set up: the fields of each kind, the occasions and the usual ones of them."""

    channels: list[Channel]
    kinds: dict[str, list[dict[str, Any]]]
    occasions: list[str]
    usual: list[str]
    inner: bool


@dataclass(frozen=True)
class NewChannel:
    """`values` by the fields of its kind; `when` the occasions that it tells of, null: the usual ones."""

    kind: str = ""
    name: str = ""
    values: dict[str, str] = field(default_factory=dict)
    when: list[str] | None = None


@dataclass(frozen=True)
class ChannelChange:
    """What is left out or null stays. Where a channel leads cannot be changed."""

    name: str | None = None
    when: list[str] | None = None
    on: bool | None = None
