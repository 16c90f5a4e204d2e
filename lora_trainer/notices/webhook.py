"""A web address of the user's own that takes JSON."""

from __future__ import annotations

from collections.abc import Mapping

from .channel import CHANNELS, Field
from .notice import Notice
from .reach import Reach, web_address
from .web import post, shown


class Webhook:
    """Posts what is told in words and for programs; a token, where there is one, signs it in."""

    fields: tuple[Field, ...] = (Field("url", secret=True), Field("token", secret=True, required=False))

    def check(self, values: Mapping[str, str], reach: Reach) -> None:
        web_address(values["url"], reach)

    def place(self, values: Mapping[str, str]) -> str:
        return shown(values["url"])

    def deliver(self, notice: Notice, values: Mapping[str, str], reach: Reach) -> None:
        known = notice.to_json()
        content = {
            "source": "train-lora",
            **known,
            "title": str(notice.title),
            "text": notice.text,
            "sentences": {"title": known["title"], "text": known["text"]},
        }
        token = values.get("token", "")
        post(values["url"], content, reach, {"Authorization": f"Bearer {token}"} if token else None)


CHANNELS.add("webhook", Webhook())
