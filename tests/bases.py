"""Random bases for tests, made once in each process and taken away at its end."""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from lora_trainer.pocket.random_bases import random_checkpoint


@functools.lru_cache(maxsize=1)
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="lora-bases-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.lru_cache
def random_base(family: str, prediction_type: str = "epsilon") -> Path:
    """A tiny checkpoint of this family with its yaml; do not write to it."""
    return random_checkpoint(
        family, _folder() / f"{family}-{prediction_type}.safetensors", prediction_type=prediction_type
    )
