"""What a server says no with, as exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import ConfigError, UserError
from ..sentences import Sentence, from_json

AWAY = (502, 503, 504)
"""What a proxy answers while the server behind it is away."""


class ServerRefused(UserError):
    """The server's own sentence; `status` is that of the answer."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status

    @property
    def code(self) -> str:
        """Which sentence it is; empty where the server did not say."""
        return str(getattr(self.sentence, "code", ""))


class WrongOptions(ConfigError):
    """The server finds options wrong; `problems` has a sentence for each."""


class Unreachable(UserError):
    """The connection could not be made, or broke. What was asked for may have been done or not."""

    def __init__(self, url: str, reason: object) -> None:
        sentence = "The server {url} cannot be reached: {reason}."
        super().__init__(Sentence("server_unreachable", sentence, url=url, reason=str(reason).rstrip(".")))


def refusal(url: str, status: int, answer: Any) -> UserError:
    """The exception for an answer that is none of success; `answer` is what came, as far as it is JSON."""
    if status in AWAY:
        return Unreachable(url, f"its proxy answers {status}")
    if not isinstance(answer, Mapping) or not isinstance(answer.get("error"), Mapping):
        sentence = "{url} does not answer as Train LoRA does (status {status}). Check the address."
        return ServerRefused(Sentence("server_other", sentence, url=url, status=status), status)
    problems = answer.get("problems") or []
    if status == 422 and problems:
        return WrongOptions([from_json(problem) for problem in problems])
    return ServerRefused(from_json(answer["error"]), status)
