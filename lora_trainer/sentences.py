"""Sentences that a person reads: English text that knows which sentence it is, so that a page can translate it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAMED = 3
"""How many of many pictures a sentence names."""
CUT = "More than {most} tokens are in {count} of {total} captions ({names}): {lost} at their ends are cut off."


class Sentence(str):
    """An English sentence, filled in; `code` names its template and `values` are what was filled in.

    It is a plain text to everyone who only prints it. A catalogue of another language holds its template under `code`.
    """

    code: str
    values: dict[str, Any]

    def __new__(cls, code: str, template: str, **values: Any) -> Sentence:
        sentence = super().__new__(cls, template.format(**values))
        sentence.code, sentence.values = code, values
        return sentence

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (str(self), self.code, self.values)


def _again(text: str, code: str, values: dict[str, Any]) -> Sentence:
    """A sentence that was copied or pickled."""
    sentence = str.__new__(Sentence, text)
    sentence.code, sentence.values = code, values
    return sentence


def lora_exists(name: str) -> Sentence:
    return Sentence(
        "lora_exists",
        "There is a LoRA called '{name}' already: replace it, or give this one another name.",
        name=name,
    )


def captions_cut(lost: Mapping[str, int], total: int, most: int, higher: int) -> Sentence:
    """Of `total` captions those with more than `most` tokens: {picture: how many of its caption's are cut off}.

    `higher` is the limit that would suffice, or the highest there is; 0 when `most` is that already.
    """
    values = {
        "count": len(lost),
        "total": total,
        "most": most,
        "lost": sum(lost.values()),
        "names": ", ".join([*lost][:NAMED]) + (" ..." if len(lost) > NAMED else ""),
    }
    if not higher:
        return Sentence("captions_cut_at_most", f"{CUT} Shorten them.", **values)
    return Sentence(
        "captions_cut", f"{CUT} Shorten them, or set base.max_tokens to {{higher}}.", **values, higher=higher
    )


def to_json(text: str) -> dict[str, Any]:
    """A sentence as plain values: `text`, and `code` and `values` where it knows them."""
    if isinstance(text, Sentence):
        return {"code": text.code, "text": str(text), "values": text.values}
    return {"code": "", "text": text, "values": {}}


def from_json(values: Mapping[str, Any]) -> str:
    """The text that `to_json` described."""
    if not values.get("code"):
        return str(values["text"])
    return _again(str(values["text"]), str(values["code"]), dict(values.get("values") or {}))
