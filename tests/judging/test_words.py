import pytest

from lora_trainer.judging.words import ELSEWHERE, has_word, prompts_without, without_word


@pytest.mark.parametrize(
    ("prompt", "rest"),
    [
        ("zwk, a woman in a red dress", "a woman in a red dress"),
        ("a zwk, red background", "red background"),
        ("a photo of ZWK in a park <lora:zwk:0.8>", "a photo of in a park"),
        ("zwk", ""),
        ("a zwkish thing", "a zwkish thing"),
    ],
)
def test_what_is_left_of_a_prompt_without_the_word(prompt, rest):
    assert without_word(prompt, "zwk") == rest


def test_the_word_is_found_as_a_whole_word_in_any_case():
    assert has_word("a Zwk!", "zwk") and not has_word("zwkish", "zwk")
    assert has_word("anything", "")


def test_prompts_without_the_word_are_the_rests_of_those_with_it():
    assert prompts_without(["zwk, a cat", "zwk, a dog"], "zwk") == ["a cat"]
    assert prompts_without(["zwk, a cat", "zwk, a dog"], "zwk", most=5) == ["a cat", "a dog"]
    assert prompts_without(["zwk"], "zwk") == [ELSEWHERE]


def test_where_there_is_no_word_or_a_prompt_without_it_already_none_is_added():
    assert prompts_without(["a cat"], "") == []
    assert prompts_without(["zwk, a cat", "a dog"], "zwk") == []
