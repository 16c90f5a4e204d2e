"""The WebUI's random numbers: each picture has a generator of its own, seeded with its own seed.

The first draw is the picture's initial noise; ancestral samplers go on drawing from the same generator. So a picture
does not depend on what is drawn beside it, and here the global random state is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch


class Noise:
    """Normal noise for pictures of `shape` (channels, height, width), one for each seed.

    `source` is the device whose generator draws: the compute device (the host's setting 'GPU') or a CPU's ('CPU').
    Different kinds of devices give different numbers for one seed. Where a device has no generator, the CPU's is used.
    """

    def __init__(self, shape: Sequence[int], seeds: Sequence[int], source: torch.device) -> None:
        self.shape = tuple(shape)
        self.generators = [_generator(source).manual_seed(int(seed)) for seed in seeds]

    def next(self) -> torch.Tensor:
        """The next noise of every picture, (n, channels, height, width) fp32, on the generators' device."""
        return torch.stack(
            [torch.randn(self.shape, generator=generator, device=generator.device) for generator in self.generators]
        )


def _generator(source: torch.device) -> torch.Generator:
    try:
        return torch.Generator(source)
    except RuntimeError:  # DirectML and other plug-in devices
        return torch.Generator()
