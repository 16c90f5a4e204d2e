"""Writes down what the pictures of a grid are: they are compared with others' also after the program has ended."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from ..errors import UserError
from ..files.atomic import replacing
from ..history.shots import GRID_FILE

if TYPE_CHECKING:
    from .tryouts import TryOut

log = logging.getLogger(__name__)


def keep_grid(tryout: TryOut) -> None:
    """Write prompts, seed and cells beside the pictures; the grid goes on where that cannot be."""
    cells = [
        {
            "file": cell.path.name,
            "save": cell.save,
            "step": tryout.steps[cell.save],
            "strength": cell.strength,
            "prompt": cell.prompt,
        }
        for cell in tryout.cells
    ]
    values = {"prompts": list(tryout.request.prompts), "seed": tryout.seed, "cells": cells}
    try:
        with replacing(tryout.folder / GRID_FILE, durable=False) as file:
            file.write(json.dumps(values, ensure_ascii=False).encode("utf-8"))
    except UserError as error:
        log.warning("What a grid's pictures are could not be kept: %s", error)
