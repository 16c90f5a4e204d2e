"""Single values as people write them in YAML and on a command line, turned into what an option wants.

What cannot be turned raises a ValueError whose text ends the sentence 'x is ..., but'.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

YAML_WORDS = {True: ("on", "yes", "true"), False: ("off", "no", "false")}
"""Words that YAML reads as truth values; as choices of an option they are meant as words."""


def plain(number: float) -> str:
    """A number without an exponent where people write none: 10000000, 0.001, 1e-06."""
    return str(int(number)) if float(number).is_integer() else f"{number:g}"


def _number(value: Any) -> float:
    """A float; YAML 1.1 reads '1e-4' as text, so numbers in text count as well."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError("must be a number")
    try:
        number = float(value)
    except ValueError:
        raise ValueError("must be a number") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError("must be a finite number")
    return number


def _whole(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        number = _number(value)
    except ValueError:
        raise ValueError("must be a whole number") from None
    if number != int(number):
        raise ValueError("must be a whole number")
    return int(number)


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    for truth, words in YAML_WORDS.items():
        if str(value).lower() in words:
            return truth
    raise ValueError("must be true or false")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        raise ValueError("must be a text; put it in quotes if you mean the word")
    if isinstance(value, (dict, list)):
        raise ValueError("must be a text")
    return str(value)


SCALARS: dict[Any, Callable[[Any], Any]] = {float: _number, int: _whole, bool: _truth, str: _text}
