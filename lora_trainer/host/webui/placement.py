"""What is on the device when the host was started with --medvram: one part of the model at a time."""

from __future__ import annotations

from typing import Any

from torch import nn


def fetch(module: nn.Module) -> None:
    """Have the host bring a part of its model to the device, and send away the part that was there.

    The host hooked this to its own calls of the part; twins call none of them. The host keeps the books that way, so
    that its next picture finds everything where it expects it. Without --medvram there is no such hook.
    """
    for hook in list(module._forward_pre_hooks.values()):
        if getattr(hook, "__module__", "") == "modules.lowvram":
            call: Any = hook
            call(module, None)


def fetch_before_each_call(twin: nn.Module, part: Any) -> None:
    """Let every call of the twin fetch first what `part()` gives: the host's module whose tensors the twin shares."""
    twin.register_forward_pre_hook(lambda module, inputs: fetch(part()))
