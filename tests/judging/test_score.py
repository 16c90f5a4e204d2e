"""Scores of planted pictures, by a judge that reads what it sees from their first pixels."""

import pytest
from PIL import Image

from lora_trainer.errors import UserError
from lora_trainer.judging.base import Settings
from lora_trainer.judging.pixels import PixelJudge
from lora_trainer.judging.score import LeftOff, judge
from lora_trainer.judging.sheet import Sheet, Shot
from lora_trainer.sentences import Sentence

PROMPTS = ["zwk, red", "zwk, blue", "red"]


class Planted:
    """Pictures are two numbers: red is how alike they are, green how well they suit 'red' (and not 'blue')."""

    name = "planted"

    def __init__(self, lacks=None, error=None):
        self.lacks, self.error, self.closed, self.batches = lacks, error, 0, []

    def missing(self):
        return self.lacks

    def load(self, learned, given_up):
        if self.error:
            raise self.error

    def look(self, pictures):
        self.batches.append(len(pictures))
        return [tuple(value / 100 for value in picture.getpixel((0, 0))[:2]) for picture in pictures]

    def likeness(self, seen):
        return seen[0]

    def among_learned(self):
        return [0.8, 0.9, 1.0]

    def suits(self, seen, texts):
        return [seen[1] if text == "red" else 1 - seen[1] if text == "blue" else 0.0 for text in texts]

    def difference(self, one, other):
        return abs(one[0] - other[0])

    def close(self):
        self.closed += 1


def shot(save, strength, prompt, red, green, seed=1):
    return Shot(save, strength, prompt, seed, Image.new("RGB", (8, 8), (red, green, 0)))


def sheet(*more):
    base = [shot("", 0.0, 0, 20, 90), shot("", 0.0, 1, 30, 10), shot("", 0.0, 2, 40, 90), shot("", 0.0, 2, 80, 90, 2)]
    return Sheet(PROMPTS, "zwk", [*base, *more])


def of_cell(judgement, strength):
    return next(cell.score for cell in judgement.cells if cell.strength == strength)


def test_likeness_is_the_mean_over_the_prompts_with_the_word_alone():
    found = judge(sheet(shot("a", 1.0, 0, 60, 90), shot("a", 1.0, 1, 70, 10), shot("a", 1.0, 2, 99, 0)), [Planted()])
    assert of_cell(found, 1.0).likeness == pytest.approx(0.65)
    assert found.bare.likeness == pytest.approx(0.25) and found.ceiling == pytest.approx(0.9)


def test_faithfulness_is_1_for_the_base_s_own_picture_and_0_where_the_prompt_is_forgotten():
    found = judge(sheet(shot("a", 0.5, 0, 60, 90), shot("a", 1.0, 0, 60, 50)), [Planted()])
    assert of_cell(found, 0.5).faithfulness == pytest.approx(1.0)
    assert of_cell(found, 1.0).faithfulness == pytest.approx(0.0)


def test_change_is_measured_in_what_lies_between_the_base_s_own_pictures_and_for_prompts_without_the_word_alone():
    found = judge(sheet(shot("a", 0.5, 2, 50, 90), shot("a", 1.0, 2, 80, 90), shot("a", 1.0, 0, 99, 0)), [Planted()])
    assert of_cell(found, 0.5).change == pytest.approx(1 / 6)
    assert of_cell(found, 1.0).change == pytest.approx(4 / 6)
    assert found.scores[-1].change is None and found.scores[2].change == 0


def test_without_another_picture_of_the_base_nothing_is_said_of_change():
    found = judge(Sheet(PROMPTS, "zwk", [shot("", 0.0, 2, 40, 90), shot("a", 1.0, 2, 80, 90)]), [Planted()])
    assert of_cell(found, 1.0).change is None


def test_spread_is_what_neither_the_prompt_nor_the_cell_explains():
    def table(noise):
        cells = [(0.5, 0, 40), (0.5, 1, 60), (1.0, 0, 50), (1.0, 1, 70 + noise)]
        return judge(sheet(*(shot("a", strength, p, red, 50) for strength, p, red in cells)), [Planted()])

    assert table(0).spread == pytest.approx(0, abs=1e-6)
    assert (table(8).spread, table(8).samples) == (pytest.approx(0.04), 2)


def test_of_a_single_prompt_the_spread_is_that_of_the_pictures_themselves():
    found = judge(sheet(shot("a", 0.5, 0, 60, 90), shot("a", 1.0, 0, 70, 90)), [Planted()])
    assert (found.spread, found.samples) == (pytest.approx(0.1), 1)


def test_the_first_judge_that_can_answers_a_question_and_pixels_answer_only_for_change():
    cells = (shot("a", 1.0, 0, 60, 90), shot("a", 1.0, 2, 60, 90))
    alone = judge(sheet(*cells), [PixelJudge(Settings(None))])
    both = judge(sheet(*cells), [Planted(), PixelJudge(Settings(None))])
    assert alone.judges == {"change": "pixels"} and set(both.judges.values()) == {"planted"}
    assert of_cell(alone, 1.0).change == pytest.approx(20 / 130)


@pytest.mark.parametrize("broken", [Planted(error=KeyError("weight")), Planted(error=UserError(Sentence("x", "gone")))])
def test_a_judge_that_breaks_off_is_said_and_freed_and_the_next_one_goes_on(broken):
    found = judge(sheet(shot("a", 1.0, 2, 60, 90)), [broken, PixelJudge(Settings(None))])
    assert broken.closed == 1 and len(found.missing) == 1
    assert found.judges == {"change": "pixels"}


def test_what_a_judge_lacks_is_told():
    lacks = Sentence("clip_model_missing", "There is none.")
    found = judge(sheet(shot("a", 1.0, 0, 60, 90)), [Planted(lacks=lacks)])
    assert found.missing == [lacks] and not of_cell(found, 1.0)


def test_it_can_be_given_up_between_batches_and_frees_the_judge():
    one = Planted()
    many = sheet(*(shot("a", 1.0, 0, 60, 90) for _ in range(40)))
    with pytest.raises(LeftOff):
        judge(many, [one], given_up=lambda: len(one.batches) > 0)
    assert len(one.batches) == 1 and one.closed == 1
