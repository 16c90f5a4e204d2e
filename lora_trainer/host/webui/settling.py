"""What a configuration leaves to the WebUI: the base and how it is computed with are the host's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ...config import TrainConfig
from ...devices import precision_of
from ...errors import BaseAway
from ..base import BaseInfo
from . import selection
from .kind import kind


def settle(config: TrainConfig, info: BaseInfo) -> TrainConfig:
    """`config` for a training on the selected base `info`; see `WebUIHost.settle`."""
    _require_same_base(config.base.checkpoint, info)
    base = replace(
        config.base,
        checkpoint=info.path,
        vae=kind().vae_file(),
        family=info.family,
        prediction_type=info.prediction_type,
        zero_terminal_snr="yes" if info.zero_terminal_snr else "no",
    )
    return replace(config, base=base, memory=replace(config.memory, **_memory()))


def settled_elsewhere(config: TrainConfig) -> TrainConfig | None:
    """`config` for a process without the WebUI, which opens the checkpoint itself; None where that is no file."""
    from modules import sd_models

    named = config.base.checkpoint
    known = sd_models.checkpoint_aliases.get(named) or _by_path(named)
    path = Path(known.filename) if known is not None else Path(named).expanduser()
    if not named or not path.is_file():
        return None
    return replace(config, base=replace(config.base, checkpoint=str(path), vae=kind().vae_file()))


def _require_same_base(named: str, info: BaseInfo) -> None:
    """Raise BaseAway when `named` is a checkpoint that the host knows, and not the one that is selected.

    A name that says nothing to this host (of another machine, or the trainer's own base) stands for the selected one.
    """
    from modules import sd_models

    known = sd_models.checkpoint_aliases.get(named) or _by_path(named)
    if known is not None and not selection.same_file(known.filename, info.path):
        raise BaseAway(selection.away(known.filename))


def _by_path(named: str) -> Any:
    from modules import sd_models

    if not named:
        return None
    known = sd_models.checkpoints_list.values()
    return next((one for one in known if selection.same_file(one.filename, str(Path(named).expanduser()))), None)


def _memory() -> dict[str, Any]:
    from modules import devices

    from .loan import compute_dtype

    model = kind().loaded()
    dtype = compute_dtype(model) if model is not None else devices.dtype
    return {"device": str(devices.device), "precision": precision_of(dtype)}
