from lora_trainer.curves import SMOOTH, VALIDATION, loss_curve
from lora_trainer.events import Step, Validated


def rgb(colour):
    return tuple(int(colour[start : start + 2], 16) for start in (1, 3, 5))


def test_the_curve_falls_from_left_to_right_when_the_loss_does():
    steps = [Step(n, 1, 1 / n, 1 / n, {}, 0.0, 0.1, 0.0, 0) for n in range(1, 101)]
    image = loss_curve([*steps, Validated(100, 0.5, True)], "falling")
    blue = [(x, y) for x in range(image.width) for y in range(40, 370) if image.getpixel((x, y)) == rgb(SMOOTH)]
    first, last = min(blue), max(blue)
    assert first[1] < last[1]
    assert any(image.getpixel((x, y)) == rgb(VALIDATION) for x in range(860, 886) for y in range(100, 300))


def test_a_run_without_steps_has_an_empty_curve():
    assert loss_curve([], "nothing").size == (900, 420)
