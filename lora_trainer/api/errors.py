"""Errors as answers: every one is a sentence in JSON, with the option that it is about where there is one."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

from ..datasets.uploads import WrongOffset
from ..errors import BaseAway, BaseModelError, ConfigError, DiskError, LoraExists, NotFound, PresetExists, UserError
from ..files.disk import disk_error, is_of_writing
from ..sentences import Sentence, to_json

STATUS: tuple[tuple[type[Exception], int], ...] = (
    (WrongOffset, 409),
    (NotFound, 404),
    (LoraExists, 409),
    (PresetExists, 409),
    (BaseAway, 409),
    (BaseModelError, 409),
    (ConfigError, 422),
    (DiskError, 507),
    (UserError, 400),
)


class Refused(UserError):
    """The request may not be made from where it comes; `status` and `headers` are the answer's."""

    def __init__(self, sentence: Sentence, status: int = 403, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status, self.headers = status, headers


def answer(error: Exception) -> JSONResponse:
    """The answer for what went wrong."""
    if isinstance(error, OSError) and is_of_writing(error):
        error = disk_error(error, error.filename or tempfile.gettempdir()) or error
    if isinstance(error, Refused):
        return error_json(error.sentence, error.status, headers=error.headers)
    status = next((code for kind, code in STATUS if isinstance(error, kind)), 500)
    if isinstance(error, ConfigError):
        return error_json(error.sentence, status, [problem_json(problem) for problem in error.problems])
    if isinstance(error, UserError):
        return error_json(error.sentence, status)
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        return error_json(Sentence("file_unusable", "A file could not be used: {reason}.", reason=reason), 500)
    sentence = "Something went wrong that should not have; the program's log has the details."
    return error_json(Sentence("internal", sentence), 500)


def error_json(
    sentence: str,
    status: int,
    problems: list[dict[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    content = {"error": to_json(sentence), "problems": problems or []}
    return SentenceResponse(content, status_code=status, headers=dict(headers or {}))


class SentenceResponse(JSONResponse):
    """An answer that can be sent whatever the sentence quotes: halves of letters, and numbers that are none."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, default=str).encode("utf-8", "replace")


def problem_json(problem: str) -> dict[str, Any]:
    """A sentence about an option, with the option's path."""
    plain = to_json(problem)
    return {"path": str(plain["values"].get("path", "")), **plain}
