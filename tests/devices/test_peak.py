"""The peak of memory, as the system tells it or as it is looked at."""

import time

import pytest
import torch

from lora_trainer.devices import EXACT, SAMPLED, Peak, used_memory

CPU = torch.device("cpu")
BYTES = 200_000_000


def grown_by_a_passing_tensor(peak: Peak) -> int:
    """How much the peak rose above what was there while a tensor came and went."""
    before = used_memory(CPU)
    made = torch.ones(BYTES // 4)
    time.sleep(0.1)  # as long as a step, for whoever only looks
    del made
    return peak.look() - before


def test_what_was_there_and_is_gone_again_counts() -> None:
    with Peak(CPU) as peak:
        assert grown_by_a_passing_tensor(peak) == pytest.approx(BYTES, rel=0.15)
    assert peak.bytes > BYTES


def test_a_peak_before_does_not_count() -> None:
    made = torch.ones(BYTES // 4)
    del made
    with Peak(CPU) as peak:
        pass
    assert peak.bytes == pytest.approx(used_memory(CPU), abs=BYTES / 2)


def test_where_the_system_keeps_no_peak_it_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lora_trainer.devices.peak._forget_peak", lambda: False)
    with Peak(CPU) as peak:
        grown = grown_by_a_passing_tensor(peak)
    assert peak.how == SAMPLED != EXACT and grown == pytest.approx(BYTES, rel=0.15)
