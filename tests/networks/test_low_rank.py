"""The same change with another rank."""

from __future__ import annotations

import pytest
import torch

from lora_trainer.files.lora import LoraModule
from lora_trainer.networks.low_rank import refit
from lora_trainer.seeds import generator


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=generator("cpu", "test", *shape))


@pytest.mark.parametrize("rank", range(1, 8))
def test_a_lower_rank_is_the_best_that_there_is_and_a_higher_one_is_exact(rank: int) -> None:
    module = LoraModule(draw(6, 20), draw(30, 6), alpha=2.0)
    fitted = refit(module, rank, 5.0, draw(rank, 20))
    lost = torch.linalg.svdvals(module.delta().double())[rank:].square().sum().sqrt()
    assert (fitted.delta() - module.delta()).norm().item() == pytest.approx(lost.item(), rel=1e-3, abs=1e-5)
    assert (fitted.rank, fitted.alpha) == (rank, 5.0)


def test_half_precision_and_tuckers_form_are_taken_as_well() -> None:
    module = LoraModule(draw(2, 6, 1, 1).half(), draw(5, 2, 1, 1).half(), alpha=2.0, mid=draw(2, 2, 3, 3).half())
    fitted = refit(module, 4, 1.0, draw(4, 6, 3, 3))
    assert fitted.down.dtype == torch.float32 and fitted.down.shape == (4, 6, 3, 3)
    assert torch.allclose(fitted.delta(), module.delta(), atol=1e-5)
