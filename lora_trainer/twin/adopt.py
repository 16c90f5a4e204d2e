"""Filling a module that was built on `meta` with given tensors."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import torch

from ..errors import BaseModelError
from .sources import Source, shapes_of

if TYPE_CHECKING:
    from torch import Tensor, nn

M = TypeVar("M", bound="nn.Module")
SHOWN = 6  # names in an error sentence


def on_meta(build: Callable[[], M]) -> M:
    """The module that `build` makes, with shapes but without memory."""
    with torch.device("meta"):
        return build()


def adopt(
    twin: M,
    sources: Mapping[str, Source],
    tensors: Mapping[str, Tensor],
    *,
    name: str,
    superfluous: Callable[[str], bool] = lambda key: False,
    dtype: torch.dtype | None = None,
    device: torch.device | None = None,
) -> M:
    """Fill `twin` from `tensors`, freeze it and set it to eval. Nothing is copied that need not be.

    A Parameter is adopted as the object it is, so that `.to()` on either side moves both; its `requires_grad` becomes
    False (whoever lends it records that flag). A view of one does not follow `.to()`: adopt after the final placement.
    A tensor of another dtype than `dtype`, or not on `device`, becomes a copy that the twin alone owns, and so does a
    float8 one, in the dtype of the others: the values of what is given are never touched.

    Raises BaseModelError that names missing, unexpected and misshapen tensors of `name` ("U-Net", ...).
    """
    _check(twin, sources, tensors, name, superfluous)
    twin.requires_grad_(False)
    dtype = dtype or fallback_for_float8(tensors, sources)
    state = {key: placed(source.read(tensors), dtype, device) for key, source in sources.items()}
    twin.load_state_dict(state, strict=False, assign=True)
    left = [key for key, parameter in twin.named_parameters() if parameter.is_meta]
    if left:
        raise RuntimeError(f"The map of the {name}'s tensors leaves out {_listed(left)}.")
    return twin.requires_grad_(False).eval()


def placed(tensor: Tensor, dtype: torch.dtype | None, device: torch.device | None) -> Tensor:
    """The tensor itself where it has this dtype and is on this device; else a copy that is."""
    wanted = dtype if dtype is not None and tensor.is_floating_point() else tensor.dtype
    if tensor.dtype == wanted and device in (None, tensor.device):
        return tensor
    return tensor.detach().to(device=device or tensor.device, dtype=wanted)


def fallback_for_float8(tensors: Mapping[str, Tensor], sources: Mapping[str, Source]) -> torch.dtype | None:
    """The dtype of the tensors that a host left as they were when it stored the others as float8; None without any."""
    dtypes = getattr(tensors, "dtypes", None)
    if dtypes is None:
        dtypes = {key: tensor.dtype for key, tensor in tensors.items()}
    used = [dtypes[key] for source in sources.values() for key in source.keys]
    floats = [dtype for dtype in used if dtype.is_floating_point]
    if not any(dtype.itemsize == 1 for dtype in floats):
        return None
    return next((dtype for dtype in floats if dtype.itemsize > 1), torch.float16)


def _check(
    twin: nn.Module,
    sources: Mapping[str, Source],
    tensors: Mapping[str, Tensor],
    name: str,
    superfluous: Callable[[str], bool],
) -> None:
    needed = {key for source in sources.values() for key in source.keys}
    missing = [key for key in sorted(needed) if key not in tensors]
    unexpected = [key for key in tensors if key not in needed and not superfluous(key)]
    problems = []
    if missing:
        problems.append(f"{len(missing)} tensors are missing: {_listed(missing)}.")
    if unexpected:
        problems.append(f"{len(unexpected)} tensors are unexpected: {_listed(unexpected)}.")
    if not missing:
        problems += itertools.islice(_misshapen(twin, sources, shapes_of(tensors)), SHOWN)
    if problems:
        raise BaseModelError(f"The {name} cannot be used. {' '.join(problems)} Choose another checkpoint.")


def _misshapen(twin: nn.Module, sources: Mapping[str, Source], shapes: Mapping[str, Sequence[int]]) -> Iterator[str]:
    wanted = twin.state_dict()
    for key, source in sources.items():
        shape = source.shape(shapes)
        if shape != tuple(wanted[key].shape):
            yield f"{source.keys[0]} has the shape {shape} in place of {tuple(wanted[key].shape)}."


def _listed(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    return ", ".join(keys[:SHOWN]) + more
