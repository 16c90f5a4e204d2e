from lora_trainer import options
from lora_trainer.training.agenda import Agenda


def agenda(*changes, total=100, steps_per_epoch=10):
    return Agenda(options.build(options.parse_changes(changes)), total, steps_per_epoch)


def test_saves_come_every_n_steps_and_the_end_is_no_step_save():
    assert agenda("save.every=40").saves() == (40, 80)
    assert agenda("save.every=50").saves() == (50,)


def test_saves_can_be_counted_in_epochs():
    assert agenda("save.every_epochs=3").saves() == (30, 60, 90)


def test_without_a_wish_only_the_end_is_saved():
    assert agenda().saves() == ()


def test_samples_and_validation_come_with_the_saves_and_at_the_end():
    plan = agenda("save.every=40")
    due = [step for step in range(1, 101) if plan.sample_due(step)]
    assert due == [40, 80, 100]
    assert [step for step in range(1, 101) if plan.validation_due(step)] == due


def test_samples_can_have_their_own_rhythm():
    plan = agenda("samples.every=30", "validation_every=25")
    assert [step for step in range(1, 101) if plan.sample_due(step)] == [30, 60, 90, 100]
    assert [step for step in range(1, 101) if plan.validation_due(step)] == [25, 50, 75, 100]


def test_what_is_still_due_is_counted_without_looking_at_every_step():
    plan = agenda("save.every=30", "samples.every=25", total=90)
    for step in range(1, 91):
        later = range(step, 91)
        assert plan.saves_from(step) == sum(map(plan.save_due, later))
        assert plan.samples_from(step) == sum(map(plan.sample_due, later))
        assert plan.validations_from(step) == sum(map(plan.validation_due, later))
    assert plan.saves_from(0) == plan.saves_from(1)
