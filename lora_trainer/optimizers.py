"""Optimizers by name: a row each, imported when it is asked for; and their state as tensors and JSON values."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from .config import OptimizerOptions
from .errors import TrainingError, UserError
from .registry import Registry, suggest
from .seeds import untouched_random_state

OptimizerClass = Callable[..., torch.optim.Optimizer]
OPTIMIZERS: Registry[Callable[[], OptimizerClass]] = Registry("optimizer")
NEEDS_RATE_ONE = "prodigy"
NEEDS_CONSTANT_SCHEDULE = "schedule_free_adamw"


@OPTIMIZERS.register("adamw")
def _adamw() -> OptimizerClass:
    def adamw(groups: list[dict[str, Any]], **arguments: Any) -> torch.optim.Optimizer:
        if not arguments.keys() & {"foreach", "fused"}:
            arguments[_many_at_once(groups[0]["params"][0].device)] = True
        return torch.optim.AdamW(groups, **arguments)

    return adamw


@OPTIMIZERS.register("adamw8bit")
def _adamw8bit() -> OptimizerClass:
    try:
        from bitsandbytes.optim import AdamW8bit
    except Exception as error:  # a bitsandbytes that does not fit raises anything from OSError to AttributeError
        raise UserError(
            f"The optimizer 'adamw8bit' needs the package bitsandbytes, which cannot be imported ({error}). "
            "Install it, or set optimizer.name to 'adamw' or, to save as much memory, 'adafactor'."
        ) from error
    return AdamW8bit


@OPTIMIZERS.register("adafactor")
def _adafactor() -> OptimizerClass:
    from .optim.adafactor import Adafactor

    return Adafactor


@OPTIMIZERS.register("lion")
def _lion() -> OptimizerClass:
    from .optim.lion import Lion

    return Lion


@OPTIMIZERS.register("prodigy")
def _prodigy() -> OptimizerClass:
    from .optim.prodigy import Prodigy

    return Prodigy


@OPTIMIZERS.register("schedule_free_adamw")
def _schedule_free_adamw() -> OptimizerClass:
    from .optim.schedule_free import ScheduleFreeAdamW

    return ScheduleFreeAdamW


@OPTIMIZERS.register("sgd")
def _sgd() -> OptimizerClass:
    return lambda groups, **arguments: torch.optim.SGD(groups, **{"foreach": True, **arguments})


def _many_at_once(device: torch.device) -> str:
    """How AdamW moves hundreds of small matrices: by one kernel, which heeds `found_inf`, where torch has one."""
    probe = torch.nn.Parameter(torch.zeros(1, device=device))
    probe.grad = torch.zeros_like(probe)
    try:
        torch.optim.AdamW([probe], fused=True).step()
    except RuntimeError:  # torch 2.1 takes the wish on any device and fails in the first step
        return "foreach"
    return "fused"


def find(name: str) -> OptimizerClass:
    """The class (or a function like it) of a known name or of an import path such as 'torch.optim.RAdam'.

    Raises UserError when there is none.
    """
    if name in OPTIMIZERS or "." not in name:
        return OPTIMIZERS.get(name)()
    module_name, _, class_name = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module_name), class_name)
    except ImportError as error:
        raise UserError(f"optimizer.name is '{name}', but '{module_name}' cannot be imported: {error}.") from error
    except AttributeError as error:
        classes = [name for name, what in vars(importlib.import_module(module_name)).items() if isinstance(what, type)]
        known = suggest(class_name, classes) if classes else "Give the import path of a class."
        raise UserError(f"optimizer.name is '{name}', but '{module_name}' has no '{class_name}'. {known}") from error


def build(options: OptimizerOptions, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    """The optimizer for parameter groups of {name, params, lr}. Raises UserError for a wrong name or argument."""
    arguments = {key: tuple(value) if isinstance(value, list) else value for key, value in options.arguments.items()}
    make = find(options.name)
    try:
        if _takes(make, "weight_decay"):
            arguments.setdefault("weight_decay", options.weight_decay)
        optimizer = make(groups, **{"lr": options.learning_rate, **arguments})
        if not hasattr(optimizer, "param_groups"):
            raise TypeError("it makes no torch.optim.Optimizer")
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(
            f"The optimizer '{options.name}' cannot be made with the arguments {arguments}: {error}. "
            "Mend optimizer.arguments, or choose another optimizer."
        ) from error
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]
    return optimizer


def _takes(make: OptimizerClass, argument: str) -> bool:
    """Whether an optimizer knows this argument; not all classes have a weight decay."""
    parameters = inspect.signature(make).parameters
    return argument in parameters or any(one.kind is one.VAR_KEYWORD for one in parameters.values())


def problems(options: OptimizerOptions) -> list[str]:
    """What is wrong with the name and arguments of an optimizer, found by trying it on a small matrix."""
    matrix = torch.nn.Parameter(torch.ones(2, 2))
    matrix.grad = torch.ones(2, 2)
    try:
        optimizer = build(options, [{"name": "trial", "params": [matrix], "lr": options.learning_rate}])
        if options.name not in OPTIMIZERS:
            with untouched_random_state():
                optimizer.step()
    except UserError as error:
        return [str(error) if "optimizer." in str(error) else f"optimizer.name: {error}"]
    except (TypeError, ValueError, RuntimeError, AttributeError, AssertionError) as error:
        return [f"optimizer.name is '{options.name}', which cannot take a step here: {error}."]
    return []


def set_rates(optimizer: torch.optim.Optimizer, factor: float) -> dict[str, float]:
    """Set every group's rate to `factor` times its own, and return the rates by the groups' names."""
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] * factor
    return {group.get("name", str(index)): group["lr"] for index, group in enumerate(optimizer.param_groups)}


def step_if(optimizer: torch.optim.Optimizer, finite: torch.Tensor) -> None:
    """Let the optimizer move, unless `finite` (0-dim, bool) is false.

    A fused kernel looks at the flag on the device itself; for the others it is read, which waits for the device.
    """
    if optimizer.param_groups[0].get("fused"):
        optimizer.found_inf = 1.0 - finite.float()
        optimizer.step()
    elif bool(finite):
        optimizer.step()


@contextmanager
def weights_for_use(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Inside, the parameters hold what is to be saved and drawn with: schedule-free optimizers average theirs."""
    if not (hasattr(optimizer, "eval") and hasattr(optimizer, "train")):
        yield
        return
    try:
        optimizer.eval()
        yield
    finally:
        optimizer.train()


def remarks(options: OptimizerOptions) -> list[str]:
    """Sentences on settings that are allowed but hardly ever meant."""
    found = []
    if options.name == NEEDS_RATE_ONE and options.learning_rate < 0.1:
        found.append(
            f"Prodigy finds the rate by itself: optimizer.learning_rate is a factor on it and should be about 1, "
            f"not {options.learning_rate:g}; the same holds for the text encoder's rates."
        )
    if options.name == NEEDS_CONSTANT_SCHEDULE and options.schedule != "constant":
        found.append(
            f"Schedule-free AdamW averages in place of a falling rate: optimizer.schedule should be 'constant', "
            f"not '{options.schedule}'."
        )
    return found


def optimizer_state(optimizer: torch.optim.Optimizer) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The whole state as CPU tensors by name and as values fit for JSON; nothing is pickled.

    Parameters are counted through the groups in their order. Raises RuntimeError inside `weights_for_use`.
    """
    if not getattr(optimizer, "training", True):
        raise RuntimeError("The state of the optimizer is taken while the parameters hold the average.")
    packed = optimizer.state_dict()
    tensors: dict[str, torch.Tensor] = {}
    states = {str(i): _split(values, f"state.{i}", tensors) for i, values in packed["state"].items()}
    groups = [_split(values, f"group.{i}", tensors) for i, values in enumerate(packed["param_groups"])]
    return tensors, {"states": states, "groups": groups}


def _split(values: Mapping[str, Any], prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
    """Move the tensors among `values` to `tensors` under 'prefix.name'; return the rest."""
    for name, value in values.items():
        if isinstance(value, torch.Tensor):
            tensors[f"{prefix}.{name}"] = value.detach().cpu().clone()
    return {name: value for name, value in values.items() if not isinstance(value, torch.Tensor)}


def load_optimizer_state(
    optimizer: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor], plain: Mapping[str, Any]
) -> None:
    """Put back what `optimizer_state` gave, exactly. Raises TrainingError when it belongs to other parameters."""
    packed = optimizer.state_dict()
    counts = [[len(group["params"]) for group in groups] for groups in (packed["param_groups"], plain["groups"])]
    if counts[0] != counts[1]:
        raise TrainingError(
            f"The saved state of the optimizer has {counts[1]} parameters by group, this training {counts[0]}: "
            "the network's options were changed since. Put them back, or start anew without --resume."
        )
    states = {int(i): {**values, **_join(f"state.{i}", tensors)} for i, values in plain["states"].items()}
    for index in {int(name.split(".")[1]) for name in tensors if name.startswith("state.")}:
        states.setdefault(index, _join(f"state.{index}", tensors))
    groups = [_restored(group, plain["groups"][i], i, tensors) for i, group in enumerate(packed["param_groups"])]
    optimizer.load_state_dict({"state": states, "param_groups": groups})


def _join(prefix: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    start = prefix + "."
    return {name[len(start) :]: tensor.clone() for name, tensor in tensors.items() if name.startswith(start)}


def _restored(
    present: dict[str, Any], saved: dict[str, Any], index: int, tensors: Mapping[str, torch.Tensor]
) -> dict[str, Any]:
    """A group with the saved values; JSON made lists of tuples, and tensors were on the CPU."""
    plain = {
        name: tuple(value) if isinstance(present.get(name), tuple) else value
        for name, value in saved.items()
        if name != "params"
    }
    moved = {
        name: tensor.to(present[name].device) if isinstance(present.get(name), torch.Tensor) else tensor
        for name, tensor in _join(f"group.{index}", tensors).items()
    }
    return {**present, **plain, **moved}
