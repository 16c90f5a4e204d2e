"""The host's own Lora extension: what it lists, what it holds, and what it has written into the model's weights.

Everything here is called under the host's lock. The extension bakes LoRAs into the weights when a layer is used, and
keeps them there; it tells files apart by name and time only, and its caches by name only.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ...errors import FileFormatError, UserError
from ...files.container import read_header
from ...seeds import untouched_random_state
from ...sentences import Sentence

if TYPE_CHECKING:
    from torch import nn

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
    """Take all LoRAs out of the weights of every model that the host holds; they are bit by bit the checkpoint's then.

    The host does the same before its next picture without a LoRA; one with a LoRA bakes it again.
    """
    import torch

    lora = networks()
    with torch.no_grad():
        lora.load_networks([])
        for module in _held_modules():
            if getattr(module, "network_layer_name", None) and getattr(module, "network_current_names", ()) != ():
                lora.network_apply_weights(module)


def forget_files() -> None:
    """Let go of every LoRA file and of all that was made from one, and look anew at what lies in the folder."""
    remove_baked()
    networks().networks_in_memory.clear()
    gc.collect()  # tensors that are mapped from a file hold it open on Windows
    _forget_conditionings()


def unmatched(file: Path) -> list[str]:
    """Modules of a LoRA file that the host's loader leaves out, or whose shapes do not fit the loaded model."""
    entry = SimpleNamespace(filename=str(file))
    try:
        with untouched_random_state():  # the loader builds layers, whose first values are drawn
            network = networks().load_network(file.stem, entry)
    except (AssertionError, RuntimeError, KeyError, ValueError) as error:
        raise FileFormatError(
            Sentence(
                "lora_not_loadable",
                "The WebUI's own loader cannot read '{file}': {reason}.",
                file=file.name,
                reason=str(error).rstrip("."),
            )
        ) from error
    return left_out(network, file)


def left_out(network: Any, file: Path) -> list[str]:
    """Modules of `file` that are not in, or do not fit, what the host's loader made of it."""
    fitting = {module.network_key.partition(".")[0] for module in network.modules.values() if _fits(module)}
    wanted = {key.partition(".")[0] for key in read_header(file).tensors} - {EMBEDDING}
    return sorted(wanted - fitting)


def some(names: list[str]) -> str:
    """The first few of many names."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


def _fits(module: Any) -> bool:
    """Whether a loaded module gives a change of its layer's shape; tried without numbers, on the 'meta' device."""
    import torch

    weight = torch.empty(module.shape, device="meta")
    try:
        change, _ = module.calc_updown(weight)
    except RuntimeError:
        return False
    return tuple(change.shape) == tuple(module.shape)


def _held_modules() -> Iterator[nn.Module]:
    """Modules of the selected model and of those that the host keeps beside it."""
    from modules import sd_models

    held = [sd_models.model_data.sd_model, *sd_models.model_data.loaded_sd_models]
    for model in {id(model): model for model in held if model is not None}.values():
        yield from model.modules()


def _forget_conditionings() -> None:
    """Prompts that were encoded through a LoRA which may have changed since."""
    from modules import processing

    txt2img = processing.StableDiffusionProcessingTxt2Img
    for name in ("cached_c", "cached_uc", "cached_hr_c", "cached_hr_uc"):
        getattr(txt2img, name)[:] = [None, None]
