"""The rule, on cells whose scores are planted."""

import pytest

from lora_trainer.judging.choice import Known, propose
from lora_trainer.judging.sheet import Cell, Judgement, Score

EARLY, MIDDLE, LATE = "a-step000100.safetensors", "a-step000200.safetensors", "a.safetensors"
STEPS = {EARLY: 100, MIDDLE: 200, LATE: 300}
STRENGTHS = (0.4, 0.6, 0.8, 1.0)
LOSSES = {EARLY: 0.09, MIDDLE: 0.05, LATE: 0.07}


def judged(likeness=None, change=None, faithfulness=None, spread=0.005, saves=tuple(STEPS)):
    """A judgement of all saves at all strengths; each score is a function of (step, strength), or None."""

    def of(measure, save, strength):
        return measure and measure(STEPS[save], strength)

    cells = [
        Cell(save, strength, Score(*(of(measure, save, strength) for measure in (likeness, faithfulness, change))))
        for save in saves
        for strength in STRENGTHS
    ]
    bare = Score(0.5) if likeness else Score()
    return Judgement([], cells, bare, spread if likeness else None, 2 if likeness else 0)


def proposed(judgement, losses=LOSSES, word="zwk"):
    return propose(judgement, Known(STEPS, losses, word))


def learned(step, strength):
    """Grows with steps and strength up to what can be learned."""
    return min(0.8, 0.5 + 0.3 * step * strength / 160)


def codes(proposal):
    return [reason.code for reason in proposal.reasons]


def test_of_the_cells_near_to_the_pictures_the_one_with_the_least_side_effects_is_proposed():
    one = proposed(judged(learned, change=lambda step, strength: step * strength / 800))
    assert (one.step, one.strength, one.basis) == (200, 0.8, "pictures")
    assert one.sentence == (
        "Step 200 at 0.8: nearest to your pictures (0.80; the base alone 0.50), "
        "prompts without 'zwk' change little (0.20), validation is best here (0.0500)."
    )


def test_a_cell_that_is_most_alike_but_spoils_other_prompts_is_left_out():
    def change(step, strength):
        return 0.9 if step == 300 else 0.04

    def likeness(step, strength):
        return 0.5 + step * strength / 1000

    one = proposed(judged(likeness, change))
    assert (one.step, one.strength) == (200, 1.0)
    assert codes(one) == ["proposal_near", "proposal_unchanged", "proposal_validated"]


def test_a_cell_that_no_longer_heeds_the_prompt_is_left_out():
    def faithfulness(step, strength):
        return 0.2 if step * strength > 200 else 0.9

    one = proposed(judged(lambda step, strength: 0.5 + step * strength / 1000, faithfulness=faithfulness), word="")
    assert STEPS[one.save] * one.strength <= 200 and "proposal_faithful" in codes(one)


def test_where_nothing_that_has_learned_is_mild_the_mildest_is_taken_and_it_is_said():
    def change(step, strength):
        return 0.0 if learned(step, strength) < 0.6 else 0.6 + step * strength / 1000

    one = proposed(judged(learned, change))
    assert codes(one)[-1] == "proposal_harsh" and "proposal_much_changed" in codes(one)
    assert STEPS[one.save] * one.strength <= 120


def test_without_prompts_that_lack_the_word_the_lowest_strength_of_the_near_ones_is_proposed():
    one = proposed(judged(learned), word="")
    assert one.strength == 0.6 and one.step == 300
    assert codes(one) == ["proposal_nearest"]


def test_cells_that_differ_by_less_than_chance_are_not_told_apart():
    def noise(step, strength):
        return 0.5 + 0.02 * ((step * 7 + round(10 * strength) * 13) % 10) / 10

    one = proposed(judged(noise, change=lambda step, strength: 0.1, spread=0.02))
    assert (one.step, one.strength, one.basis) == (200, 1.0, "validation")
    assert codes(one)[0] == "proposal_noise"


@pytest.mark.parametrize(("harm", "strength"), [(0.1, 1.0), (0.35, 0.8), (0.45, 0.6), (0.9, 0.8)])
def test_without_a_model_validation_chooses_the_save_and_the_change_of_pixels_the_strength(harm, strength):
    one = proposed(judged(change=lambda step, strength: strength * harm))
    assert (one.step, one.strength, one.basis) == (200, strength, "validation")
    assert codes(one)[0] == "proposal_validated"


def test_with_nothing_to_go_by_it_is_the_last_save_at_a_plain_strength_and_it_says_so():
    one = proposed(judged(), losses={}, word="")
    assert (one.step, one.strength, one.basis, codes(one)) == (300, 0.8, "last", ["proposal_last"])


def test_a_best_save_that_was_not_drawn_is_not_proposed():
    one = proposed(judged(saves=(MIDDLE, LATE)), losses={EARLY: 0.01, MIDDLE: 0.05, LATE: 0.07})
    assert (one.save, codes(one)) == (MIDDLE, ["proposal_validated"])


def test_where_only_the_base_was_drawn_there_is_no_proposal():
    assert propose(Judgement([], []), Known(STEPS, LOSSES)) is None
