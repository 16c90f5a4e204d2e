"""Random numbers that depend on their purpose only."""

from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import torch

from lora_trainer.seeds import generator, seed_of, untouched_random_state


def test_the_same_keys_give_the_same_numbers_in_another_process() -> None:
    code = "from lora_trainer.seeds import seed_of; print(seed_of(42, 'noise', 7, 0.5))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(other.stdout) == seed_of(42, "noise", 7, 0.5)


def test_different_keys_give_different_seeds_even_where_their_texts_run_together() -> None:
    seeds = {seed_of(1, 23), seed_of(12, 3), seed_of("1", 23), seed_of(1, 23, ""), seed_of(123)}
    assert len(seeds) == 5


def test_drawing_from_a_generator_leaves_the_global_state_alone() -> None:
    before = torch.get_rng_state()
    torch.randn(5, generator=generator("cpu", 1, "noise"))
    assert torch.equal(before, torch.get_rng_state())


def test_random_states_are_restored_even_after_an_error() -> None:
    def draws() -> tuple[float, float, float]:
        return random.random(), float(np.random.rand()), float(torch.rand(()))

    python, numpy, state = random.getstate(), np.random.get_state(), torch.get_rng_state()
    expected = draws()
    random.setstate(python), np.random.set_state(numpy), torch.set_rng_state(state)
    try:
        with untouched_random_state():
            torch.manual_seed(3), random.seed(3), np.random.seed(3)
            raise KeyError
    except KeyError:
        pass
    assert draws() == expected
