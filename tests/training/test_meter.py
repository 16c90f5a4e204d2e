import math

from lora_trainer.training.meter import Meter


def test_the_smooth_loss_of_a_constant_is_that_constant_from_the_first_step():
    meter = Meter()
    assert all(math.isclose(meter.smooth(0.5, finite=True), 0.5) for _ in range(10))


def test_bad_losses_are_counted_and_do_not_touch_the_mean():
    meter = Meter()
    before = meter.smooth(0.5, finite=True)
    assert meter.smooth(float("nan"), finite=False) == before
    assert (meter.bad_in_a_row, meter.bad_steps) == (1, 1)
    meter.smooth(0.5, finite=True)
    assert (meter.bad_in_a_row, meter.bad_steps) == (0, 1)


def test_a_resumed_meter_goes_on_where_it_was():
    meter, other = Meter(), Meter()
    meter.smooth(0.3, finite=True)
    other.restore(meter.state())
    assert other.smooth(0.7, finite=True) == meter.smooth(0.7, finite=True)
