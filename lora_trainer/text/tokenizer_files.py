"""The tokenizer as a folder that transformers loads, so that a WebUI needs no network for it."""

from __future__ import annotations

import json
from pathlib import Path

from ..files.atomic import write_text
from .tokenizer import TRANSFORMERS
from .vocabulary import load_vocabulary


def write_tokenizer_files(folder: Path, path: Path | None = None) -> None:
    """Write the tokenizer as transformers' CLIPTokenizer loads it from a folder (any version, no network).

    `folder` is made when it is missing; `path` is another vocabulary file than the installed one.
    Raises UserError when there is no vocabulary, and as `files.atomic.replacing`.
    """
    vocabulary = load_vocabulary(path)
    start, end = TRANSFORMERS.start, TRANSFORMERS.end
    names = {"bos_token": start, "eos_token": end, "unk_token": end, "pad_token": end}
    config = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "do_lower_case": True, **names}
    ids = {**vocabulary.ids, start: vocabulary.start, end: vocabulary.end}
    merges = ["#version: 0.2", *(" ".join(pair) for pair in vocabulary.ranks), ""]
    write_text(folder / "merges.txt", "\n".join(merges))
    for name, values in (("vocab", ids), ("tokenizer_config", config), ("special_tokens_map", names)):
        write_text(folder / f"{name}.json", json.dumps(values, ensure_ascii=False))
