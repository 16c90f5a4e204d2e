"""Webhooks of chats: Discord's, and Slack's, whose form Mattermost and Rocket.Chat take as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .channel import CHANNELS, Field
from .notice import Notice
from .reach import Reach, web_address
from .web import post, shown

DISCORD_MOST = 2000
"""Letters in a message of Discord's."""


class Chat:
    """A chat that is told by a web address, which is its secret."""

    fields: tuple[Field, ...] = (Field("url", secret=True),)

    def check(self, values: Mapping[str, str], reach: Reach) -> None:
        web_address(values["url"], reach)

    def place(self, values: Mapping[str, str]) -> str:
        return shown(values["url"])

    def deliver(self, notice: Notice, values: Mapping[str, str], reach: Reach) -> None:
        post(values["url"], self.content(notice), reach)

    def content(self, notice: Notice) -> dict[str, Any]:
        raise NotImplementedError


class Discord(Chat):
    """Names of runs are only text: nobody is called by an '@everyone' in one."""

    def content(self, notice: Notice) -> dict[str, Any]:
        text = f"**{notice.title}**\n{notice.text}"
        return {"content": text[:DISCORD_MOST], "allowed_mentions": {"parse": []}}


class Slack(Chat):
    """Slack's three signs are escaped, so that no name becomes a link or calls anybody."""

    def content(self, notice: Notice) -> dict[str, Any]:
        escaped = notice.plain().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return {"text": escaped}


CHANNELS.add("discord", Discord())
CHANNELS.add("slack", Slack())
