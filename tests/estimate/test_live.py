"""Counting the bytes of tensors that are alive."""

import torch

from lora_trainer.estimate.live import LiveBytes

KILO = 1024  # bytes of 256 fp32 numbers


def numbers() -> torch.Tensor:
    return torch.zeros(256)


def test_what_is_made_counts_until_it_is_forgotten() -> None:
    with LiveBytes() as live:
        first = numbers()
        second = first + 1
        assert live.now == 2 * KILO
        del first
        assert live.now == KILO
        third = second * 2
    assert live.most == 2 * KILO and third is not None


def test_views_and_changes_in_place_take_nothing() -> None:
    with LiveBytes() as live:
        made = numbers()
        made.view(16, 16).t().add_(1)
    assert live.most == KILO


def test_what_was_there_before_does_not_count_nor_do_views_of_it() -> None:
    known = numbers()
    with LiveBytes([known]) as live:
        known.view(16, 16)[3].mul_(2)
    assert live.most == 0


def test_what_is_kept_for_a_gradient_is_alive() -> None:
    x = numbers().requires_grad_()
    with LiveBytes([x]) as live:
        out = (x * 2).exp()
        out.sum().backward()
        del out
    assert live.now == KILO  # the gradient
    assert live.most >= 3 * KILO
