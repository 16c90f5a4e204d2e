"""JSON that comes from outside, read with distrust: what it gives can be walked, written and kept without a thought."""

from __future__ import annotations

import json
import re
from typing import Any

from ..errors import UserError
from ..sentences import Sentence

DEEPEST = 32
"""How many lists and objects may lie in one another; what walks through them does so by calling itself."""
LONGEST_NUMBER = 300
"""Digits: longer ones fit no float."""
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
"""The escape of a letter's half: a whole one is made of two, and a half alone fits no file."""


class Malformed(UserError):
    """The request is not as the route wants it."""


def from_json(text: str | bytes) -> Any:
    """The value that a text in JSON, in UTF-8, stands for. Raises Malformed."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    try:
        values = json.loads(data.decode("utf-8-sig"), parse_constant=_no_number, parse_int=_whole, parse_float=_number)
        if _HALF.search(data):
            json.dumps(values, ensure_ascii=False).encode()
    except _Strange:
        raise _strange() from None
    except UnicodeEncodeError:
        raise _strange() from None
    except (ValueError, RecursionError):
        raise Malformed(Sentence("not_json", "The request's body is not JSON.")) from None
    _require_shallow(values)
    return values


class _Strange(ValueError):
    """A number that no page sends."""


def _no_number(text: str) -> Any:
    """'NaN' and 'Infinity', which are no JSON."""
    raise _Strange(text)


def _whole(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise _Strange(text)
    return int(text)


def _number(text: str) -> float:
    number = float(text)
    if number - number != 0:
        raise _Strange(text)
    return number


def _require_shallow(values: Any) -> None:
    """Level by level, for a walk that calls itself is what depth breaks."""
    level = [values]
    for _ in range(DEEPEST + 1):
        level = [
            inner
            for one in level
            if isinstance(one, (dict, list))
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return
    raise _strange()


def _strange() -> Malformed:
    sentence = "The request's body is nested too deep, or holds a number or a letter that cannot be kept."
    return Malformed(Sentence("strange_json", sentence))
