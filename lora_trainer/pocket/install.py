"""Puts the embedded base where a WebUI finds it, so that it loads there without a network."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from ..errors import UserError
from ..files.atomic import replacing, write_text
from ..text.tokenizer_files import write_tokenizer_files
from .embedded import embedded_path
from .layout import ENCODER_FOLDER, text_config, webui_yaml

MODELS = Path("models") / "Stable-diffusion"


def install_into(webui: Path) -> list[Path]:
    """Copy the base, its yaml and its text encoder's configuration into `webui`; returns what was written.

    Raises UserError when `webui` is no WebUI's folder or cannot be written.
    """
    models = webui.expanduser().resolve() / MODELS
    if not models.parent.is_dir():
        raise UserError(
            f"{webui} is no WebUI's folder: it has no folder 'models'. Name the folder that webui.py is in."
        )
    encoder = models / ENCODER_FOLDER
    checkpoint, yaml = models / "pocket.safetensors", models / "pocket.yaml"
    with replacing(checkpoint) as file, embedded_path().open("rb") as source:
        shutil.copyfileobj(source, file)
    write_text(yaml, webui_yaml(encoder.as_posix()))
    write_tokenizer_files(encoder)
    write_text(encoder / "config.json", json.dumps(text_config(), indent=2))
    return [checkpoint, yaml, *sorted(encoder.iterdir())]
