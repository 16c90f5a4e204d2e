"""The state that a run resumes from: tensors and plain values in one safetensors file, nothing pickled.

Everything random in a run is a pure function of seed and step, so that weights, optimizer and the step number are all
that a state needs.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import FileFormatError, UserError
from .files.atomic import replacing

if TYPE_CHECKING:
    import torch

FORMAT = 1
KEPT = 2
"""How many states stay on disk: the newest, and one before it in case the newest is found damaged."""


@dataclass
class State:
    """A run after `step` steps. `network` and `optimizer` are flat tables of tensors; `values` holds the plain rest."""

    step: int
    network: dict[str, torch.Tensor]
    optimizer: dict[str, torch.Tensor]
    values: dict[str, Any] = field(default_factory=dict)


def save_state(folder: Path, state: State) -> Path:
    """Write `state` into `folder` and drop all but the newest states. Raises TrainingError on a full disk."""
    from .files.container import TensorSpec, write_container

    tensors = {f"network/{key}": value for key, value in state.network.items()}
    tensors |= {f"optimizer/{key}": value for key, value in state.optimizer.items()}
    plain = json.dumps({"format": FORMAT, "step": state.step, "values": state.values})
    path = folder / f"step{state.step:08d}.safetensors"
    specs = {key: TensorSpec.of(value) for key, value in tensors.items()}
    with replacing(path) as file:
        write_container(file, specs, tensors.__getitem__, {"state": plain})
    for old in _newest_first(folder)[KEPT:]:
        old.unlink(missing_ok=True)
    return path


def load_newest_state(folder: Path) -> State | None:
    """The newest state in `folder` that can be read, or None. Raises UserError when all of them are damaged."""
    damaged = []
    for path in _newest_first(folder):
        try:
            return _load(path)
        except (OSError, ValueError, KeyError, FileFormatError) as error:
            damaged.append(f"{path.name} ({error})")
    if damaged:
        raise UserError(f"No state in {folder} can be read: {'; '.join(damaged)}. Start again without --resume.")
    return None


def newest_step(folder: Path) -> int:
    """The step of the newest state in `folder`, by its name; 0 when there is none."""
    return max((int(path.stem[4:]) for path in _newest_first(folder)), default=0)


def _load(path: Path) -> State:
    """Raises FileFormatError, ValueError, KeyError or OSError when the file is damaged."""
    from .files.container import ContainerReader

    parts: dict[str, dict[str, torch.Tensor]] = {"network": {}, "optimizer": {}}
    with ContainerReader(path) as reader:
        plain = json.loads(reader.metadata["state"])
        if plain["format"] > FORMAT:
            raise ValueError("written by a newer version")
        for key in reader.tensors:
            part, _, name = key.partition("/")
            parts[part][name] = reader.tensor(key)
    return State(plain["step"], parts["network"], parts["optimizer"], plain["values"])


def _newest_first(folder: Path) -> list[Path]:
    paths = [path for path in folder.glob("step*.safetensors") if re.fullmatch(r"step\d{8}\.safetensors", path.name)]
    return sorted(paths, key=lambda path: path.name, reverse=True)
