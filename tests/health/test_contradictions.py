"""When two captions cannot be of one picture."""

import pytest

from lora_trainer.health.contradictions import contradict

TOGETHER = (
    ("a red circle, top left", "a red circle on a blue background"),
    ("red hat, blue coat", "a woman in a blue coat"),
    ("a cat", "an animal"),
    ("1girl, solo, outdoors", "1girl, smile, sky"),
    ("", "a cat asleep on a sofa"),
    ("grey wall, old door", "gray wall, old door"),
    ("red car, blue car", "a blue car"),
    ("a day at sea", "sea by day and night"),
)
APART = (
    ("a red circle on white", "a blue circle on white"),
    ("black cat asleep on sofa", "city street under heavy rain"),
    ("1girl, indoors, smile", "1girl, outdoors, smile"),
    ("2girls, park", "1girl, park"),
)


@pytest.mark.parametrize("captions", TOGETHER, ids=str)
def test_captions_that_may_both_be_true(captions):
    assert not contradict(*captions) and not contradict(*captions[::-1])


@pytest.mark.parametrize("captions", APART, ids=str)
def test_captions_of_which_one_is_wrong(captions):
    assert contradict(*captions) and contradict(*captions[::-1])
