import pytest
import torch

from lora_trainer.config import EPSILON, V_PREDICTION
from lora_trainer.sampling.draw import draw
from lora_trainer.sampling.levels import Levels, sampling_alphas
from lora_trainer.sampling.noise import Noise
from lora_trainer.sampling.samplers import SAMPLERS

from .gaussian import CPU, DEVIATION, MEAN, conditioning, perfect_model, seen, solution

LEVELS = Levels(sampling_alphas())
LEAST, MOST = LEVELS.sigmas[0].item(), LEVELS.sigmas[-1].item()


def drawn(sampler, steps, prediction_type=EPSILON, size=64):
    return draw(
        perfect_model(prediction_type),
        conditioning(),
        None,
        width=size,
        height=size,
        seed=3,
        steps=steps,
        guidance=1.0,
        sampler=sampler,
        device=CPU,
        prediction_type=prediction_type,
    )


def first_noise(size=64):
    return Noise((4, size // 8, size // 8), [3], CPU).next()


def error(sampler, steps, prediction_type=EPSILON):
    """Distance from the known solution down to the lowest sigma, from where the model's answer is the picture."""
    expected = seen(solution(first_noise() * MOST, MOST, LEAST), LEAST)
    return (drawn(sampler, steps, prediction_type) - expected).abs().max().item()


def ddim_error(steps, prediction_type=EPSILON):
    """DDIM starts with noise of deviation 1 at the last of its timesteps, and stops at timestep 1."""
    start, end = LEVELS.sigmas[1001 - 1000 // steps].item(), LEVELS.sigmas[1].item()
    expected = solution(first_noise() * (1 + start**2) ** 0.5, start, end) / (1 + end**2) ** 0.5
    return (drawn("ddim", steps, prediction_type) - expected).abs().max().item()


@pytest.mark.parametrize("prediction_type", [EPSILON, V_PREDICTION])
@pytest.mark.parametrize(
    ("sampler", "tolerance"),
    [("euler", 0.03), ("heun", 0.001), ("dpmpp_2m", 0.02), ("dpmpp_2m_karras", 0.001)],
)
def test_sigma_samplers_follow_the_known_solution(sampler, tolerance, prediction_type):
    assert error(sampler, 200, prediction_type) < tolerance


@pytest.mark.parametrize("prediction_type", [EPSILON, V_PREDICTION])
def test_ddim_follows_the_known_solution_down_to_timestep_1(prediction_type):
    assert ddim_error(200, prediction_type) < 0.03


def test_twice_the_steps_halve_the_error_of_first_order_samplers_and_quarter_that_of_second_order():
    assert error("euler", 100) / error("euler", 200) == pytest.approx(2, rel=0.2)
    assert ddim_error(100) / ddim_error(200) == pytest.approx(2, rel=0.2)
    for sampler in ("heun", "dpmpp_2m_karras"):
        assert error(sampler, 50) / error(sampler, 100) == pytest.approx(4, rel=0.2), sampler


def test_euler_ancestral_draws_from_the_distribution():
    pixels = drawn("euler_a", 200, size=256)
    assert pixels.mean().item() == pytest.approx(MEAN, abs=0.02)
    assert pixels.std().item() == pytest.approx(DEVIATION, rel=0.1)


def test_one_euler_step_jumps_to_what_the_model_sees():
    x, sigma = first_noise() * MOST, LEVELS.sigmas[-1]
    torch.testing.assert_close(drawn("euler", 1), seen(x, sigma), atol=1e-4, rtol=0)


def test_an_ancestral_step_by_hand():
    """Two steps: down to below the second sigma, noise from the picture's own generator, and straight to 0."""
    high, low = LEVELS.sigmas[-1], LEVELS.sigmas[0]
    noise = Noise((4, 8, 8), [3], CPU)
    x = noise.next() * high
    fresh = (low**2 * (high**2 - low**2) / high**2).sqrt()
    below = (low**2 - fresh**2).sqrt()
    x = x + (x - seen(x, high)) / high * (below - high) + noise.next() * fresh
    torch.testing.assert_close(drawn("euler_a", 2), seen(x, low), atol=1e-4, rtol=0)


def test_two_dpmpp_steps_by_hand():
    """The second of three steps extrapolates from the clean pictures seen so far; the last takes what it sees."""
    sigmas = LEVELS.sigma(torch.tensor([999.0, 499.5, 0.0]))
    x = first_noise() * sigmas[0]
    first = seen(x, sigmas[0])
    x = sigmas[1] / sigmas[0] * x + (1 - sigmas[1] / sigmas[0]) * first
    second = seen(x, sigmas[1])
    ratio = (sigmas[0] / sigmas[1]).log() / (sigmas[1] / sigmas[2]).log()
    target = second + (second - first) / (2 * ratio)
    x = sigmas[2] / sigmas[1] * x + (1 - sigmas[2] / sigmas[1]) * target
    torch.testing.assert_close(drawn("dpmpp_2m", 3), seen(x, sigmas[2]), atol=2e-4, rtol=0)


@pytest.mark.parametrize(("steps", "taken"), [(20, 19), (30, 30), (25, 24), (7, 7)])
def test_ddim_takes_the_hosts_odd_number_of_steps(steps, taken):
    assert SAMPLERS.get("ddim").length(steps) == taken


def test_ddim_asks_from_near_the_end_down_to_the_second_of_its_timesteps():
    asked = []

    def predict(latents, timesteps, conditioning):
        asked.append(timesteps.tolist())
        return latents

    size = {"width": 64, "height": 64, "seed": 1}
    draw(predict, conditioning(), None, **size, steps=20, guidance=1.0, sampler="ddim", device=CPU)
    assert asked == [[timestep] for timestep in range(951, 50, -50)]


def test_rows_are_known_by_the_hosts_names():
    assert {row.name: (row.label, row.schedule) for row in SAMPLERS} == {
        "euler": ("Euler", "Automatic"),
        "euler_a": ("Euler a", "Automatic"),
        "heun": ("Heun", "Automatic"),
        "dpmpp_2m": ("DPM++ 2M", "Uniform"),
        "dpmpp_2m_karras": ("DPM++ 2M", "Karras"),
        "ddim": ("DDIM", "Automatic"),
    }
