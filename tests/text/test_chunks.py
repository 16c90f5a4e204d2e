from lora_trainer.text.chunks import Chunker
from lora_trainer.text.prompt import Run, parse
from lora_trainer.text.tokenizer import OPEN_CLIP, TRANSFORMERS, load_tokenizer

CAT, COMMA, START, END = 2368, 267, 49406, 49407


def chunked(prompt, flavour=TRANSFORMERS, pad=END):
    return Chunker(load_tokenizer(flavour), pad).chunks(parse(prompt))


def test_a_short_prompt_is_one_chunk_filled_up_with_end_tokens():
    (chunk,) = chunked("cat")
    assert chunk.tokens == (START, CAT, *[END] * 75)
    assert chunk.weights == (1.0,) * 77


def test_open_clip_sees_zeros_after_the_first_end_token():
    (chunk,) = chunked("cat", OPEN_CLIP, pad=0)
    assert chunk.tokens == (START, CAT, END, *[0] * 74)


def test_an_empty_prompt_is_one_empty_chunk():
    chunker = Chunker(load_tokenizer(), END)
    assert chunker.chunks([Run("")]) == [chunker.empty()] == chunked("")
    assert chunker.empty().tokens == (START, *[END] * 76)


def test_weights_lie_on_their_tokens():
    (chunk,) = chunked("cat (cat:1.5) cat")
    assert chunk.weights[:5] == (1.0, 1.0, 1.5, 1.0, 1.0)


def test_75_tokens_fit_and_the_76th_opens_a_chunk():
    assert len(chunked("cat " * 75)) == 1
    first, second = chunked("cat " * 76)
    assert first.tokens == (START, *[CAT] * 75, END)
    assert second.tokens[:3] == (START, CAT, END)


def test_a_phrase_after_a_near_comma_moves_on_whole():
    first, second = chunked("cat " * 60 + ", " + "cat " * 20)
    assert first.tokens == (START, *[CAT] * 60, COMMA, *[END] * 15)
    assert second.tokens[:22] == (START, *[CAT] * 20, END)


def test_a_phrase_after_a_far_comma_is_cut():
    first, second = chunked("cat " * 50 + ", " + "cat " * 40)
    assert first.tokens[51] == COMMA and END not in first.tokens[:76]
    assert second.tokens.count(CAT) == 16


def test_the_comma_counts_up_to_20_tokens_back():
    near, _ = chunked("cat " * 55 + ", " + "cat " * 20)
    far, _ = chunked("cat " * 54 + ", " + "cat " * 21)
    assert near.tokens.count(CAT) == 55
    assert far.tokens.count(CAT) == 74


def test_break_ends_a_chunk():
    first, second = chunked("cat BREAK cat cat")
    assert (first.tokens.count(CAT), second.tokens.count(CAT)) == (1, 2)


def test_break_at_the_end_opens_no_further_chunk():
    assert len(chunked("cat BREAK")) == 1
