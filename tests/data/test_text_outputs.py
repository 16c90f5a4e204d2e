from __future__ import annotations

import pytest
import torch

from lora_trainer.data.cache import MemoryStore
from lora_trainer.data.text_outputs import TextOutputs
from lora_trainer.errors import DataError
from lora_trainer.host.base import Conditioning


class Encoder:
    """Fills the outputs with each caption's length, and counts what it encodes."""

    def __init__(self, pooled=True):
        self.calls, self.pooled = [], pooled

    def __call__(self, captions):
        self.calls.append(list(captions))
        values = torch.tensor([float(len(caption)) for caption in captions])
        pooled = values[:, None].expand(-1, 3) if self.pooled else None
        return Conditioning(values[:, None, None].expand(-1, 77, 2), pooled)


def outputs(store, encoder, **changes):
    return TextOutputs(store, encoder, **{"identity": "clip", "clip_skip": 1, "max_tokens": 75, **changes})


def test_captions_are_encoded_once():
    encoder = Encoder()
    text = outputs(MemoryStore(), encoder)
    assert list(text.prepare(["a", "bb", "a", ""], batch_size=2)) == [(0, 3), (2, 3), (3, 3)]
    found = text.conditioning(["bb", "", "bb"])
    assert found.context.shape == (3, 77, 2) and found.context[:, 0, 0].tolist() == [2.0, 0.0, 2.0]
    assert found.pooled[:, 0].tolist() == [2.0, 0.0, 2.0]
    assert encoder.calls == [["a", "bb"], [""]]


def test_a_base_without_pooled_outputs_has_none():
    assert outputs(MemoryStore(), Encoder(pooled=False)).conditioning(["a"]).pooled is None


def test_a_caption_that_was_not_prepared_is_encoded_when_it_is_asked_for():
    encoder = Encoder()
    text = outputs(MemoryStore(), encoder)
    assert text.conditioning(["abc"]).context[0, 0, 0] == text.conditioning(["abc"]).context[0, 0, 0] == 3.0
    assert encoder.calls == [["abc"]]


@pytest.mark.parametrize("change", [{"identity": "other"}, {"clip_skip": 2}, {"max_tokens": 150}])
def test_other_encoders_clip_skip_or_length_make_other_entries(change):
    store, encoder = MemoryStore(), Encoder()
    outputs(store, encoder).conditioning(["a"])
    outputs(store, encoder, **change).conditioning(["a"])
    assert len(encoder.calls) == 2


def test_an_entry_does_not_keep_its_whole_batch_alive():
    store = MemoryStore()
    text = outputs(store, Encoder())
    list(text.prepare(["a", "bb", "ccc"]))
    assert store.get(text.key("a"))["context"].untyped_storage().nbytes() == 77 * 2 * 4


def test_values_that_are_no_numbers_name_the_caption():
    def encode(captions):
        return Conditioning(torch.full((len(captions), 77, 2), float("nan")))

    with pytest.raises(DataError, match="'a bad one'"):
        list(outputs(MemoryStore(), encode).prepare(["a bad one"]))
