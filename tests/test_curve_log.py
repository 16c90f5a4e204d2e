import pytest

from lora_trainer.curve_log import CurveLog
from lora_trainer.events import Step, Validated, Warned

STEP = Step(3, 1, 0.5, 0.6, {"unet": 1e-4}, 0.1, 0.2, 30.0, 1000)


def test_tensorboard_finds_the_curves_of_a_run(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    log = CurveLog(tmp_path)
    for event in (STEP, Warned("odd", "Something else."), Validated(3, 0.4, True)):
        log.write(event)
    log.close()
    found = accumulator.EventAccumulator(str(tmp_path))
    found.Reload()
    assert {"loss/raw", "loss/smooth", "loss/validation", "rate/unet"} <= set(found.Tags()["scalars"])
    (point,) = found.Scalars("loss/smooth")
    assert (point.step, round(point.value, 6)) == (3, 0.6)


def test_curves_that_are_not_wanted_are_not_written(tmp_path):
    log = CurveLog(tmp_path / "curves", wanted=False)
    log.write(STEP)
    log.close()
    assert not (tmp_path / "curves").exists()
