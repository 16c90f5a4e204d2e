"""Beginning with the modules of a file: to train on, and to draw with."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import FileFormatError
from ..files.module import Module

if TYPE_CHECKING:
    from ..files.lora import LoraFile
    from .adapters import Adapters
    from .base import Adapter, NetworkType

SHOWN = 3  # names in a sentence


def file_to_train_on(path: str, network: NetworkType) -> LoraFile:
    """The file `path`. Raises FileFormatError when its modules are none that `network` can go on from."""
    from ..files.read import read_lora

    file = read_lora(Path(path).expanduser())
    kinds = dict.fromkeys(module.kind for module in file.usable("train on").values())
    if wrong := [kind for kind in kinds if kind not in network.goes_on_from]:
        raise FileFormatError(
            f"'{path}' holds modules of the type '{wrong[0]}', from which a network of the type '{network.name}' "
            f"cannot go on. Set network.type to '{wrong[0]}', or name another file."
        )
    return file


def modules_to_train_on(path: str, network: NetworkType) -> dict[str, Module]:
    """The modules in `path`, as `file_to_train_on`."""
    return file_to_train_on(path, network).known


def begin_with(adapters: Adapters, modules: Mapping[str, Module], source: str) -> None:
    """Begin with `modules` of the file `source`, and remark on those that are not in this network.

    Raises FileFormatError, with the twins as they were, when nothing fits or a module is for a layer of another size.
    """
    try:
        adapters.remarks += _begun(adapters, modules, source)
    except BaseException:
        adapters.detach()
        raise


def _begun(adapters: Adapters, modules: Mapping[str, Module], source: str) -> list[str]:
    known = {name: adapters[name] for name in modules if name in adapters}
    if not known:
        raise FileFormatError(f"'{source}' has none of the modules that are trained here: is it for another base?")
    for name, adapter in known.items():
        _check_size(name, modules[name], adapter, source)
        adapter.start_from(modules[name])
    left = [name for name in modules if name not in known]
    if not left:
        return []
    return [
        f"{len(left)} of {len(modules)} modules in '{source}' are not in this network and left out: {listed(left)}."
    ]


def _check_size(name: str, module: Module, adapter: Adapter, source: str) -> None:
    """A file may tell a kernel's sides from its inputs or not; outputs and the rest together must agree."""
    wanted, given = adapter.module().weight_shape, module.weight_shape
    if (wanted[0], math.prod(wanted)) != (given[0], math.prod(given)):
        raise FileFormatError(
            f"'{name}' in '{source}' is for a layer of the size {_size(given)}, here it has {_size(wanted)}: "
            "the file is for another base."
        )


def _size(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def listed(names: Sequence[str]) -> str:
    """The first few of many names."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
