"""What a processor's own library keeps of the code that it makes for a step.

oneDNN compiles a kernel for every operation of every shape when it first meets it, and keeps it. In a U-Net that is
nothing in fp32, where products of matrices are another library's, and a hundred MB in bf16.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

BF16_BYTES = {
    "mm": 570_000,
    "bmm": 570_000,
    "addmm_": 570_000,
    "baddbmm": 600_000,
    "addmm": 1_000_000,
    "convolution": 250_000,
    "convolution_backward": 100_000,
    "_scaled_dot_product_flash_attention_for_cpu": 160_000,
    "_scaled_dot_product_flash_attention_for_cpu_backward": 2_300_000,
}
FP32_BYTES = {
    "addmm": 340_000,
    "convolution": 380_000,
    "convolution_backward": 160_000,
    "_scaled_dot_product_flash_attention_for_cpu": 100_000,
    "_scaled_dot_product_flash_attention_for_cpu_backward": 80_000,
}
"""Growth of the process at the first operation of a shape, by the operation's name: means over the U-Nets of SD1.5 and
SDXL (torch 2.13, AVX-512)."""


class Kernels(TorchDispatchMode):
    """Inside, counts the operations of different shapes for which a kernel would be kept: `bytes` of them all."""

    def __init__(self) -> None:
        super().__init__()
        self._met: set[tuple[Any, ...]] = set()
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name.rpartition(":")[2]
        if name in BF16_BYTES:
            self._meet(name, [value for value in args if isinstance(value, torch.Tensor)])
        return func(*args, **(kwargs or {}))

    def _meet(self, name: str, tensors: list[torch.Tensor]) -> None:
        key = (name, *((tensor.shape, tensor.stride(), tensor.dtype) for tensor in tensors))
        if key not in self._met:
            self._met.add(key)
            table = BF16_BYTES if tensors[0].dtype == torch.bfloat16 else FP32_BYTES
            self.bytes += table.get(name, 0)
