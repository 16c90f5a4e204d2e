import torch

from lora_trainer.text.length import tokens_cut_off
from lora_trainer.text.tokens import tokenize_captions, tokenize_prompts

CAT = 2368


def test_sdxl_tokens_come_once_for_each_encoder_with_its_own_padding():
    tokens = tokenize_captions("sdxl", ["cat"])
    assert [part.shape for part in tokens.ids] == [(1, 1, 77), (1, 1, 77)]
    assert tokens.ids[0][0, 0, -1] == 49407
    assert tokens.ids[1][0, 0, -1] == 0


def test_captions_are_literal_and_prompts_are_not():
    literal, parsed = tokenize_captions("sd1", ["(cat)"]), tokenize_prompts("sd1", ["(cat)"])
    assert literal.ids[0][0, 0, 1:4].tolist() == [263, CAT, 264]
    assert parsed.ids[0][0, 0, 1:3].tolist() == [CAT, 49407]
    assert torch.equal(literal.weights[0], torch.ones(1, 1, 77))
    assert parsed.weights[0][0, 0, 1] == 1.1


def test_a_short_text_beside_a_long_one_is_filled_up_with_an_empty_chunk():
    tokens = tokenize_prompts("sd1", ["cat " * 80, "cat"])
    assert tokens.ids[0].shape == (2, 2, 77)
    assert tokens.ids[0][1, 1].tolist() == [49406, *[49407] * 76]


def test_captions_are_cut_off_after_max_tokens():
    assert tokenize_captions("sd1", ["cat " * 400], max_tokens=150).ids[0].shape == (1, 2, 77)
    assert tokenize_captions("sd1", ["cat"], max_tokens=225).ids[0].shape == (1, 1, 77)
    assert tokenize_captions("sd1", ["cat"], max_tokens=225, fill=True).ids[0].shape == (1, 3, 77)


def test_the_tokens_that_a_caption_loses_are_counted():
    long, torn = "cat " * 80, "cat " * 70 + ", " + "dog " * 10
    assert tokens_cut_off("sd1", ["cat", long, torn, "cat " * 75], 75) == {long: 5, torn: 10}
    assert tokens_cut_off("sdxl", [long], 75) == {long: 5}
    assert tokens_cut_off("sd1", [long, torn], 150) == {}


def test_rows_can_be_picked():
    tokens = tokenize_captions("sdxl", ["cat", "dog", "cow"])
    picked = tokens[[2, 0]]
    assert len(tokens) == 3 and len(picked) == 2
    assert torch.equal(picked.ids[1][0], tokens.ids[1][2])
