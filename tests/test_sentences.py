from lora_trainer.errors import UserError
from lora_trainer.sentences import Sentence, to_json


def test_a_sentence_is_a_text_that_knows_its_template_and_what_was_filled_in():
    sentence = Sentence("too_large", "Batch size {size} does not fit.", size=8)
    assert sentence == "Batch size 8 does not fit."
    assert to_json(sentence) == {"code": "too_large", "text": "Batch size 8 does not fit.", "values": {"size": 8}}


def test_a_plain_text_has_no_code():
    assert to_json("Something else.") == {"code": "", "text": "Something else.", "values": {}}


def test_an_error_keeps_the_sentence_that_it_was_raised_with():
    error = UserError(Sentence("away", "Select {name}.", name="pocket"))
    assert (str(error), error.sentence.code) == ("Select pocket.", "away")
