"""The WebUI's prompt syntax (A1111 v1.10): emphasis with ( ) [ ] (words:1.2), escapes, BREAK.

Prompt editing ([a:b:0.5], [a|b]) and AND, which change a prompt while it is drawn, are not part of it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

UP, DOWN = 1.1, 1 / 1.1

TOKEN = re.compile(
    r"""
      \\(?P<escaped>[()\[\]\\]?)                # a literal character, or a lone backslash, which vanishes
    | (?P<open>[(\[])
    | :\s*(?P<weight>[+-]?[.\d]+)\s*\)          # closes a round bracket with a weight of its own
    | (?P<close>[)\]])
    | (?P<text>[^\\()\[\]:]+|:)
    """,
    re.VERBOSE,
)
BREAK_WORD = re.compile(r"\s*\bBREAK\b\s*")
NETWORK_TAG = re.compile(r"<\w+:[^>]+>")
COMMENT_LINE = re.compile(r"(?:^|\n)#[^\n]*(?:\n|$)")
COMMENT = re.compile(r"#[^\n]*(?:\n|$)")


class Run(NamedTuple):
    """Neighbouring words with one weight."""

    text: str
    weight: float = 1.0


BREAK = Run("BREAK", -1.0)
"""Ends a chunk. Inside of brackets its weight is multiplied like any other, and it is a word: so the host has it."""


def parse(prompt: str) -> list[Run]:
    """`prompt` as runs of one weight each; never empty. Brackets that are never closed count to the end."""
    runs: list[Run] = []
    opened: dict[str, list[int]] = {"(": [], "[": []}

    def multiply(start: int, factor: float) -> None:
        runs[start:] = [Run(text, weight * factor) for text, weight in runs[start:]]

    for match in TOKEN.finditer(prompt):
        kind, piece = match.lastgroup, match[0]
        if kind == "escaped":
            runs.append(Run(match["escaped"]))
        elif kind == "open":
            opened[piece].append(len(runs))
        elif kind == "weight" and opened["("] and _is_number(match["weight"]):
            multiply(opened["("].pop(), float(match["weight"]))
        elif piece == ")" and opened["("]:
            multiply(opened["("].pop(), UP)
        elif piece == "]" and opened["["]:
            multiply(opened["["].pop(), DOWN)
        else:
            runs += _words(piece)
    for bracket, factor in (("(", UP), ("[", DOWN)):
        for start in opened[bracket]:
            multiply(start, factor)
    return _merged(runs) or [Run("")]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _words(text: str) -> list[Run]:
    """Plain text as runs, with a BREAK where the word stands."""
    first, *others = BREAK_WORD.split(text)
    return [Run(first), *(run for part in others for run in (BREAK, Run(part)))]


def _merged(runs: list[Run]) -> list[Run]:
    """Neighbours of the same weight made one."""
    merged: list[Run] = []
    for run in runs:
        if merged and merged[-1].weight == run.weight:
            merged[-1] = Run(merged[-1].text + run.text, run.weight)
        else:
            merged.append(run)
    return merged


def drawn_text(prompt: str) -> str:
    """What the host encodes of `prompt`: without comments (# to the end of the line) and tags like <lora:name:1>."""
    return NETWORK_TAG.sub("", COMMENT.sub("\n", COMMENT_LINE.sub("\n", prompt)))


def escape(caption: str) -> str:
    """`caption` as a prompt that means it literally: `cat (animal)` becomes `cat \\(animal\\)`.

    A lone backslash vanishes in the host, so one inside of a word takes BREAK, AND, a tag's <lora: and a closing :1.5
    (a weight for the whole prompt) their meaning. A # stays a comment: the host has no escape for it.
    """
    text = re.sub(r"([\\()\[\]])", r"\\\1", caption)
    text = re.sub(r"\b(B|A)(REAK|ND)\b", _interrupted, text)
    text = re.sub(r"<(?=\w+:)", r"<\\", text)
    return re.sub(r":(?=\s*[-+]?[.\d]+\s*$)", r":\\", text)


def _interrupted(match: re.Match[str]) -> str:
    return f"{match[1]}\\{match[2]}" if match[0] in ("BREAK", "AND") else match[0]
