"""The channels that a user has set up, kept in a private folder: what may be seen, and secrets in a file of their own.

Both are read anew each time, so that what a command line sets up holds for a program that runs already.
"""

from __future__ import annotations

import builtins
import json
import logging
import secrets
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import ConfigError, NotFound, UserError
from ..files.atomic import write_text
from ..files.json_object import object_or_empty, read_object
from ..sentences import Sentence
from .channel import CHANNELS, checked
from .notice import OCCASIONS, USUAL
from .reach import Reach

log = logging.getLogger(__name__)

FOLDER = "notices"
MOST_CHANNELS, LONGEST_NAME = 20, 80


@dataclass(frozen=True)
class Channel:
    """A channel as it was set up. `inner`: whoever did may let this machine ask its own network."""

    id: str
    kind: str
    name: str
    when: tuple[str, ...] = USUAL
    on: bool = True
    inner: bool = False
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Of all its fields, secrets among them: for delivering only."""

    @property
    def reach(self) -> Reach:
        return Reach(self.inner)

    def tells(self, occasion: str) -> bool:
        return self.on and occasion in self.when

    def to_json(self) -> dict[str, Any]:
        """What everybody may know: of secrets only which there are, and where it leads as far as its kind says it."""
        kind = CHANNELS.get(self.kind)
        return {
            "id": self.id,
            "kind": self.kind,
            "name": self.name,
            "when": list(self.when),
            "on": self.on,
            "place": kind.place(self.values),
            "values": {one.name: self.values[one.name] for one in kind.fields if not one.secret},
            "secrets": [one.name for one in kind.fields if one.secret and self.values[one.name]],
        }


class Settings:
    """Channels in `folder`. Every method that changes something raises UserError when it cannot be written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def list(self) -> list[Channel]:
        """All channels that this version knows, in the order in which they were added.

        Raises UserError when the files cannot be read now: nobody may take that for none, and write it.
        """
        hidden = read_object(self._secrets)
        rows = read_object(self._channels).get("channels", [])
        found = (_channel(row, hidden.get(row.get("id", ""), {})) for row in rows if isinstance(row, dict))
        return [channel for channel in found if channel is not None]

    def get(self, channel_id: str) -> Channel:
        """Raises NotFound when there is no such channel."""
        found = next((one for one in self.list() if one.id == channel_id), None)
        if found is None:
            raise NotFound(Sentence("no_channel", "There is no channel '{id}' (any more).", id=channel_id))
        return found

    def add(
        self, kind: str, name: str, values: Mapping[str, str], when: Collection[str] = USUAL, *, inner: bool = False
    ) -> Channel:
        """Set up a channel. Raises ConfigError for what is wrong with it."""
        known = checked(kind, values, Reach(inner))
        channel = Channel(secrets.token_hex(6), kind, _named(name, kind), _occasions(when), True, inner, known)
        with self._changing() as channels:
            if len(channels) >= MOST_CHANNELS:
                sentence = "There are {most} channels already: remove one first."
                raise UserError(Sentence("channels_full", sentence, most=MOST_CHANNELS))
            channels.append(channel)
        return channel

    def change(
        self, channel_id: str, *, name: str | None = None, when: Collection[str] | None = None, on: bool | None = None
    ) -> Channel:
        """Change what a channel is called and what it tells. Where it leads stays: else its secrets went elsewhere.

        Raises NotFound, and ConfigError for an unknown occasion.
        """
        with self._changing() as channels:
            channel = self.get(channel_id)
            changed = replace(
                channel,
                name=channel.name if name is None else _named(name, channel.kind),
                when=channel.when if when is None else _occasions(when),
                on=channel.on if on is None else on,
            )
            channels[channels.index(channel)] = changed
        return changed

    def remove(self, channel_id: str) -> None:
        """Forget a channel with its secrets. Raises NotFound."""
        with self._changing() as channels:
            channels.remove(self.get(channel_id))

    def outcomes(self) -> dict[str, Any]:
        """How each channel's newest notice went, by the channel's id, as it was given to `note`."""
        return object_or_empty(self._outcomes)

    def note(self, channel_id: str, outcome: Mapping[str, Any]) -> None:
        """Keep how a notice went, as far as the disk lets us."""
        with self._lock:
            try:
                known = {one.id for one in self.list()}
                kept = {name: one for name, one in self.outcomes().items() if name in known}
                write_text(self._outcomes, json.dumps({**kept, channel_id: dict(outcome)}), private=True)
            except UserError as error:
                log.warning("How a notice went could not be kept: %s", error)

    @contextmanager
    def _changing(self) -> Iterator[builtins.list[Channel]]:
        """The channels, to be changed; they are written when the block ends without an error, secrets first."""
        with self._lock:
            channels = self.list()
            yield channels
            hidden = {one.id: _part(one, secret=True) for one in channels}
            write_text(self._secrets, json.dumps(hidden, indent=1), private=True)
            rows = [_row(one) for one in channels]
            write_text(self._channels, json.dumps({"channels": rows}, indent=1), private=True)

    @property
    def _channels(self) -> Path:
        return self._folder / "channels.json"

    @property
    def _secrets(self) -> Path:
        return self._folder / "secrets.json"

    @property
    def _outcomes(self) -> Path:
        return self._folder / "outcomes.json"


def _row(channel: Channel) -> dict[str, Any]:
    """A channel without its secrets."""
    return {
        "id": channel.id,
        "kind": channel.kind,
        "name": channel.name,
        "when": list(channel.when),
        "on": channel.on,
        "inner": channel.inner,
        "values": _part(channel, secret=False),
    }


def _part(channel: Channel, *, secret: bool) -> dict[str, str]:
    fields = CHANNELS.get(channel.kind).fields
    return {one.name: channel.values[one.name] for one in fields if one.secret is secret}


def _channel(row: Mapping[str, Any], hidden: Any) -> Channel | None:
    """The channel of a row; None for one of a kind that is not known, or that is damaged."""
    try:
        given = {**row["values"], **dict(hidden)}
        values = {one.name: str(given.get(one.name, "")) for one in CHANNELS.get(str(row["kind"])).fields}
        when = tuple(one for one in OCCASIONS if one in row["when"])
        return Channel(row["id"], row["kind"], str(row["name"]), when, bool(row["on"]), bool(row["inner"]), values)
    except (KeyError, TypeError, ValueError, UserError):
        log.warning("A channel of notices could not be read and is left out.")
        return None


def _named(name: str, kind: str) -> str:
    return " ".join(name.split())[:LONGEST_NAME] or kind


def _occasions(when: Collection[str]) -> tuple[str, ...]:
    """In their usual order. Raises ConfigError for one that there is not."""
    unknown = [one for one in when if one not in OCCASIONS]
    if unknown:
        sentence = "There is no occasion '{name}'. Known are: {known}."
        values = {"name": str(unknown[0])[:40], "known": ", ".join(OCCASIONS)}
        raise ConfigError([Sentence("no_occasion", sentence, **values)])
    return tuple(one for one in OCCASIONS if one in when)
