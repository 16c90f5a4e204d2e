"""Single values as people write them in YAML and on a command line, turned into what an option wants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .sentences import Sentence

YAML_WORDS = {True: ("on", "yes", "true"), False: ("off", "no", "false")}
"""Words that YAML reads as truth values; as choices of an option they are meant as words."""


class Wrong(ValueError):
    """Ends the sentence 'option is value, but ...'."""

    def __init__(self, code: str, ending: str, **values: Any) -> None:
        super().__init__(ending.format(**values))
        self._code, self._ending, self._values = code, ending, values

    def sentence(self, path: str, value: Any) -> Sentence:
        """The whole of it."""
        return Sentence(
            self._code, "{path} is {value}, but " + self._ending + ".", path=path, value=repr(value), **self._values
        )


def plain(number: float) -> str:
    """A number without an exponent where people write none: 10000000, 0.001, 1e-06."""
    return str(int(number)) if float(number).is_integer() else f"{number:g}"


def _number(value: Any) -> float:
    """A float; YAML 1.1 reads '1e-4' as text, so numbers in text count as well."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise Wrong("option_number", "must be a number")
    try:
        number = float(value)
    except ValueError:
        raise Wrong("option_number", "must be a number") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise Wrong("option_finite", "must be a finite number")
    return number


def _whole(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        number = _number(value)
    except Wrong:
        raise Wrong("option_whole", "must be a whole number") from None
    if number != int(number):
        raise Wrong("option_whole", "must be a whole number")
    return int(number)


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    for truth, words in YAML_WORDS.items():
        if str(value).lower() in words:
            return truth
    raise Wrong("option_truth", "must be true or false")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        raise Wrong("option_word", "must be a text; put it in quotes if you mean the word")
    if isinstance(value, (dict, list)):
        raise Wrong("option_text", "must be a text")
    return str(value)


SCALARS: dict[Any, Callable[[Any], Any]] = {float: _number, int: _whole, bool: _truth, str: _text}
