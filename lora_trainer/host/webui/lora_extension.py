"""The host's own Lora extension: what it lists, what it holds, and what it has written into the model's weights.

Everything here is called under the host's lock. The extension bakes LoRAs into the weights when a layer is used, and
keeps them there; it tells files apart by name and time only, and its caches by name only. Forge's does it otherwise.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ...errors import FileFormatError, UserError
from ...sentences import Sentence
from .kind import kind

EMBEDDING = "bundle_emb"
MOST_NAMES = 5
"""So many names stand in a sentence."""


def networks() -> Any:
    """The extension's module. Raises UserError when it is switched off."""
    module = sys.modules.get("networks")
    if module is None or not hasattr(module, "load_networks"):
        raise UserError(
            Sentence(
                "lora_extension_off",
                "The WebUI's built-in Lora extension is switched off, so LoRAs have no effect. "
                "Switch 'Lora' on under Extensions and restart.",
            )
        )
    return module


def remove_baked() -> None:
    """Take all LoRAs out of the weights of every model that the host holds: bit by bit the checkpoint's then."""
    kind().remove_loras()


def forget(names: Sequence[str]) -> None:
    """Take all LoRAs out of the weights, and let go of what was read from the files of these names."""
    remove_baked()
    kind().forget_loras(names)


def forget_files() -> None:
    """Let go of every LoRA file and of all that was made from one, and look anew at what lies in the folder."""
    remove_baked()
    kind().forget_loras()
    gc.collect()  # tensors that are mapped from a file hold it open on Windows
    _forget_conditionings()


def unmatched(file: Path) -> list[str]:
    """Modules of a LoRA file that the host's loader leaves out, or whose shapes do not fit the loaded model."""
    try:
        return left_out(file)
    except (AssertionError, RuntimeError, KeyError, ValueError) as error:
        raise FileFormatError(
            Sentence(
                "lora_not_loadable",
                "The WebUI's own loader cannot read '{file}': {reason}.",
                file=file.name,
                reason=str(error).rstrip("."),
            )
        ) from error


def left_out(file: Path, network: Any = None) -> list[str]:
    """Modules of `file` that are not in, or do not fit, what the host's loader makes of it (made: `network`)."""
    return kind().left_out(file, network)


def modules_of(keys: Iterable[str]) -> set[str]:
    """The modules that a LoRA file with these keys is for."""
    return {key.partition(".")[0] for key in keys} - {EMBEDDING}


def some(names: list[str]) -> str:
    """The first few of many names."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


def _forget_conditionings() -> None:
    """Prompts that were encoded through a LoRA which may have changed since."""
    from modules import processing

    txt2img = processing.StableDiffusionProcessingTxt2Img
    for name in ("cached_c", "cached_uc", "cached_hr_c", "cached_hr_uc"):
        cached = getattr(txt2img, name)
        cached[:] = [None] * len(cached)
