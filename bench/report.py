"""The conditions of a measurement, and tables of it."""

from __future__ import annotations

import platform
import re
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


def conditions() -> str:
    """Processor, the flags that matter for bf16, threads, versions and device."""
    import torch

    from lora_trainer import devices

    flags = [flag for flag in FLAGS if flag in _cpu_flags()]
    lines = [
        f"processor: {_processor()}; flags: {', '.join(flags) or 'none of interest'}",
        f"torch {torch.__version__}, Python {platform.python_version()}, {platform.system()}",
        f"device: {devices.label(devices.choose('auto'))}; threads: {torch.get_num_threads()}",
    ]
    return "\n".join(lines)


def table(
    title: str, seconds: Mapping[str, Sequence[float]], reference: str, floors: Mapping[str, str] | None = None
) -> str:
    """Median, least and most of each column of rounds, and medians of its ratios, round by round.

    The ratios are to `reference`, and to each one's own floor of the same dtype and layers.
    """
    head = " ".join(f"{column:>9}" for column in ("median", "least", "most", "x ref.", "x own"))
    lines = [title, f"{'':40} {head}"]
    for name, values in seconds.items():
        ratios = [_ratio(values, seconds[other]) for other in (reference, (floors or {}).get(name, reference))]
        figures = (statistics.median(values), min(values), max(values), *ratios)
        lines.append(f"{name:40} " + " ".join(f"{figure:9.3f}" for figure in figures))
    return "\n".join([*lines, f"x ref.: to '{reference}'; x own: to the floor of the same dtype and layers"])


def _ratio(values: Sequence[float], others: Sequence[float]) -> float:
    return statistics.median(value / other for value, other in zip(values, others))


def _processor() -> str:
    match = re.search(r"model name\s*:\s*(.+)", _cpuinfo())
    return match[1] if match else platform.processor() or "unknown"


def _cpu_flags() -> set[str]:
    match = re.search(r"flags\s*:\s*(.+)", _cpuinfo())
    return set(match[1].split()) if match else set()


def _cpuinfo() -> str:
    file = Path("/proc/cpuinfo")
    return file.read_text(encoding="utf-8") if file.exists() else ""
