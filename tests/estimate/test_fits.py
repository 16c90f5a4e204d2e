"""The best batch and resolution for a device, from few estimates."""

from __future__ import annotations

from typing import Any

import pytest

from lora_trainer import options
from lora_trainer.estimate.fits import Search, scaled
from lora_trainer.estimate.need import SHARE, Need
from lora_trainer.estimate.step import StepMemory

GB = 2**30


class Linear:
    """An estimator by whose answers a step keeps so much for every pixel, and a fifth of that when it recomputes."""

    device_name, by_pixel = "a card", 4000

    def __init__(self, total: int) -> None:
        self.total, self.asked = total, list[Any]()

    def need(self, size: tuple[int, int], count: int, checkpointing: str) -> Need:
        self.asked.append((size, count, checkpointing))
        each = {"off": 1.0, "largest": 0.5, "all": 0.2}[checkpointing] * self.by_pixel
        activations = int(50_000_000 + each * size[0] * size[1] * count)
        return Need(StepMemory(2 * GB, GB // 8, activations), int(GB / 2 + 0.1 * activations), self.total, "a card")


def search(total: float, size: tuple[int, int] = (512, 512), **more: Any) -> Any:
    config = options.build({"data": {"resolution": 512, "batch_size": 2}})
    estimator: Any = Linear(int(total * GB))
    return Search(estimator, config, size, largest_side=1024, **more), estimator


def true_batch(total: float, checkpointing: str) -> int:
    estimator = Linear(int(total * GB))
    return max(n for n in range(33) if n == 0 or estimator.need((512, 512), n, checkpointing).fits)


@pytest.mark.parametrize("total", [4.5, 8.0, 12.0])
def test_the_largest_batch_is_found_with_eight_questions(total: float) -> None:
    told: list[tuple[int, int]] = []
    searching, estimator = search(total, tell=lambda done, all_: told.append((done, all_)))
    off, every = searching.run().rows
    assert (off.batch, every.batch) == (true_batch(total, "off"), true_batch(total, "all"))
    assert off.batch_need.fits and off.batch_need.bytes > SHARE * 0.75 * estimator.total
    assert len(estimator.asked) <= 10 and told[-1] == (8, 8)


def test_the_largest_resolution_comes_in_steps_and_not_beyond_what_the_base_can_draw() -> None:
    off, every = search(6.0)[0].run().rows
    assert off.resolution % 64 == 0 and 512 < off.resolution < every.resolution <= 1024
    assert off.changes("resolution") == {"memory.checkpointing": "off", "data.resolution": off.resolution}
    assert every.changes("batch") == {"memory.checkpointing": "all", "data.batch_size": every.batch}
    assert search(64.0)[0].run().rows[0].resolution == 1024


def test_it_says_so_where_only_checkpointing_or_nothing_fits() -> None:
    assert search(8.0)[0].run().sentence().code == "fits_both"
    assert search(3.1)[0].run().sentence().code == "fits_checkpointed"
    assert search(1.0)[0].run().sentence().code == "fits_none"


def test_it_can_be_stopped() -> None:
    assert search(8.0, stop=lambda: True)[0].run() is None


def test_a_size_that_is_not_changed_stays_off_the_steps() -> None:
    assert scaled((520, 504), 1) == (520, 504) and scaled((520, 504), 0.5) == (256, 256)
