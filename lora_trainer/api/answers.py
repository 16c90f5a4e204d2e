"""Plain values as answers in JSON."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response


def json_response(values: Any) -> Response:
    """Values as JSON that nobody keeps."""
    return json_answer(json_text(values).encode("utf-8"))


def json_answer(content: bytes) -> Response:
    """A text in JSON that nobody keeps."""
    return Response(content, media_type="application/json", headers={"cache-control": "no-store"})


def json_text(values: Any) -> str:
    """Plain values as JSON; numbers that JSON does not know become null, and what is no text a question mark."""
    try:
        text = json.dumps(values, ensure_ascii=False, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(values), ensure_ascii=False, allow_nan=False)
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _finite(values: Any) -> Any:
    if isinstance(values, dict):
        return {key: _finite(value) for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        return [_finite(value) for value in values]
    return None if isinstance(values, float) and values - values != 0 else values
