"""The maths of the objective, against the definitions of the papers."""

from __future__ import annotations

import pytest
import torch

from lora_trainer.config import EPSILON, V_PREDICTION, LossOptions
from lora_trainer.objective import (
    NoiseSchedule,
    Objective,
    add_pyramid,
    debiased_weights,
    draw_noise,
    draw_timesteps,
    min_snr_weights,
    per_sample_loss,
    stratified_timesteps,
)
from lora_trainer.seeds import generator

PLAIN = NoiseSchedule.scaled_linear()
ZERO = NoiseSchedule.scaled_linear(zero_terminal_snr=True)
EVERY = torch.arange(1000)


def latents(n: int = 4) -> torch.Tensor:
    return torch.randn(n, 4, 8, 8, generator=generator("cpu", "latents"))


def test_the_schedule_has_the_known_ends_of_stable_diffusion() -> None:
    assert PLAIN.alphas_cumprod[0].item() == pytest.approx(0.99915, abs=1e-6)
    assert PLAIN.alphas_cumprod[-1].item() == pytest.approx(0.0046599, abs=1e-6)


def test_zero_terminal_snr_keeps_the_first_and_zeroes_the_last() -> None:
    assert ZERO.alphas_cumprod[0].item() == pytest.approx(PLAIN.alphas_cumprod[0].item(), abs=1e-6)
    assert ZERO.alphas_cumprod[-1].item() == 0.0
    assert (ZERO.alphas_cumprod.diff() < 0).all()


def test_noisy_latents_keep_unit_variance_and_v_turns_back_into_x0_and_noise() -> None:
    x0, noise, t = latents(), draw_noise((4, 4, 8, 8), generator("cpu", 1)), torch.tensor([0, 300, 700, 999])
    noisy, v = PLAIN.add_noise(x0, noise, t), PLAIN.target(V_PREDICTION, x0, noise, t)
    assert torch.allclose(PLAIN.signal(t) * noisy - PLAIN.sigma(t) * v, x0, atol=1e-5)
    assert torch.allclose(PLAIN.sigma(t) * noisy + PLAIN.signal(t) * v, noise, atol=1e-5)
    assert PLAIN.target(EPSILON, x0, noise, t) is noise


def test_at_zero_terminal_snr_the_input_is_pure_noise_and_v_is_minus_x0() -> None:
    x0, noise, t = latents(1), draw_noise((1, 4, 8, 8), generator("cpu", 1)), torch.tensor([999])
    assert torch.equal(ZERO.add_noise(x0, noise, t), noise)
    assert torch.equal(ZERO.target(V_PREDICTION, x0, noise, t), -x0)


@pytest.mark.parametrize("schedule", [PLAIN, ZERO])
@pytest.mark.parametrize("weights", [lambda snr, kind: min_snr_weights(snr, 5.0, kind), debiased_weights])
def test_a_v_weight_is_the_epsilon_weight_in_terms_of_the_v_loss(schedule: NoiseSchedule, weights: object) -> None:
    snr = schedule.snr(EVERY).clamp(min=1e-3, max=1e3)
    assert torch.allclose(weights(snr, V_PREDICTION), weights(snr, EPSILON) * snr / (snr + 1), rtol=1e-4)


@pytest.mark.parametrize("kind", [EPSILON, V_PREDICTION])
@pytest.mark.parametrize("options", [LossOptions(), LossOptions(debiased=True), LossOptions(min_snr_gamma=0.0)])
def test_all_weights_are_finite_with_zero_terminal_snr(kind: str, options: LossOptions) -> None:
    weights = Objective(ZERO, kind, options).weights(EVERY)
    assert torch.isfinite(weights).all() and (weights >= 0).all() and (weights <= 40).all()


def test_min_snr_leaves_noisy_steps_alone_and_lowers_clear_ones_to_gamma_over_snr() -> None:
    snr = torch.tensor([0.5, 5.0, 50.0])
    assert min_snr_weights(snr, 5.0, EPSILON).tolist() == pytest.approx([1.0, 1.0, 0.1])
    assert min_snr_weights(snr, 5.0, V_PREDICTION).tolist() == pytest.approx([0.5 / 1.5, 5 / 6, 5 / 51])


def test_debiased_weights_are_one_over_the_root_of_snr() -> None:
    assert debiased_weights(torch.tensor([0.04, 4.0]), EPSILON).tolist() == pytest.approx([5.0, 0.5])


def test_timesteps_fill_the_range_evenly_with_both_ends() -> None:
    t = draw_timesteps(20_000, 100, 109, generator("cpu", 1))
    counts = torch.bincount(t - 100, minlength=10)
    assert len(counts) == 10 and counts.min() > 1800 and counts.max() < 2200


def test_stratified_timesteps_are_the_middles_of_equal_parts() -> None:
    assert stratified_timesteps(4, 0, 999).tolist() == [125, 375, 625, 875]
    assert stratified_timesteps(3, 500, 500).tolist() == [500, 500, 500]


def test_noise_offset_shifts_whole_channels_only() -> None:
    plain = draw_noise((64, 4, 8, 8), generator("cpu", 5))
    shifted = draw_noise((64, 4, 8, 8), generator("cpu", 5), offset=0.5)
    shift = shifted - plain
    assert torch.allclose(shift, shift[:, :, :1, :1].expand_as(shift), atol=1e-6)
    assert shift.std().item() == pytest.approx(0.5, rel=0.15)


def coarse(noise: torch.Tensor) -> float:
    """Deviation of the means of whole pictures, which plain noise hardly has."""
    return noise.mean(dim=(2, 3)).std().item()


def test_pyramid_noise_has_a_deviation_of_one_and_much_of_what_is_large() -> None:
    plain = draw_noise((64, 4, 16, 16), generator("cpu", 5))
    pyramid = add_pyramid(plain, 6, 0.9, generator("cpu", 6))
    assert torch.allclose(pyramid.std(dim=(1, 2, 3)), torch.ones(64), atol=1e-5)
    assert coarse(pyramid) > 4 * coarse(plain)


def test_a_pyramid_of_one_level_is_plain_noise_and_a_weaker_one_is_nearer_to_it() -> None:
    plain = draw_noise((64, 4, 16, 16), generator("cpu", 5))
    flat, weak, strong = (add_pyramid(plain, n, d, generator("cpu", 6)) for n, d in ((1, 0.9), (6, 0.3), (6, 0.9)))
    assert coarse(flat) < 1.2 * coarse(plain)
    assert coarse(flat) < coarse(weak) < coarse(strong)


def test_a_pyramid_depends_on_its_generator_and_ends_where_a_layer_is_one_number_wide() -> None:
    plain = draw_noise((2, 4, 8, 8), generator("cpu", 5))
    first, again, higher = (add_pyramid(plain, n, 0.5, generator("cpu", 6)) for n in (10, 10, 16))
    assert torch.equal(first, again) and torch.equal(first, higher)
    assert not torch.equal(first, add_pyramid(plain, 10, 0.5, generator("cpu", 7)))


@pytest.mark.parametrize("kind", [EPSILON, V_PREDICTION])
def test_input_perturbation_changes_what_is_seen_by_its_share_of_noise_and_not_what_is_asked(kind: str) -> None:
    x0 = latents(64)
    plain, perturbed = (
        Objective(PLAIN, kind, LossOptions(input_perturbation=gamma)).draw(x0, generator("cpu", 42, "task"))
        for gamma in (0.0, 0.1)
    )
    assert torch.equal(plain.target, perturbed.target) and torch.equal(plain.timesteps, perturbed.timesteps)
    more = (perturbed.noisy - plain.noisy) / PLAIN.sigma(plain.timesteps)
    assert more.std().item() == pytest.approx(0.1, rel=0.05)


def test_noise_of_runs_without_these_options_is_what_it_always_was() -> None:
    draw, x0 = generator("cpu", 42, "task"), latents()
    t = draw_timesteps(4, 0, 999, draw)
    noise = draw_noise(x0.shape, draw, 0.1)
    task = Objective(PLAIN, EPSILON, LossOptions(noise_offset=0.1)).draw(x0, generator("cpu", 42, "task"))
    assert torch.equal(task.target, noise) and torch.equal(task.noisy, PLAIN.add_noise(x0, noise, t))


def test_losses_follow_their_definitions() -> None:
    prediction, target = torch.tensor([0.0, 0.05, 1.0, -2.0]).reshape(1, 4, 1, 1), torch.zeros(1, 4, 1, 1)
    assert per_sample_loss(prediction, target, "l2").item() == pytest.approx((0.0025 + 1 + 4) / 4)
    assert per_sample_loss(prediction, target, "l1").item() == pytest.approx(3.05 / 4)
    huber = per_sample_loss(prediction, target, "huber", huber_delta=0.1)
    assert huber.item() == pytest.approx((0.0025 + 0.1 * (2 - 0.1) + 0.1 * (4 - 0.1)) / 4)


def test_a_mask_means_over_what_it_keeps_and_nothing_kept_costs_nothing() -> None:
    prediction, target = torch.zeros(2, 4, 2, 2), torch.zeros(2, 4, 2, 2)
    prediction[:, :, 0, 0], prediction[:, :, 1, 1] = 3.0, 7.0
    mask = torch.zeros(2, 1, 2, 2)
    mask[0, 0, 0, 0] = 1.0
    assert per_sample_loss(prediction, target, mask=mask).tolist() == pytest.approx([9.0, 0.0])


def test_bf16_predictions_are_compared_in_fp32() -> None:
    assert per_sample_loss(latents().bfloat16(), latents()).dtype == torch.float32


def test_a_perfect_prediction_costs_nothing_and_a_task_depends_only_on_its_generator() -> None:
    objective = Objective(PLAIN, V_PREDICTION, LossOptions(noise_offset=0.1, pyramid_levels=4, input_perturbation=0.1))
    tasks = [objective.draw(latents(), generator("cpu", 42, "task", 3, 0)) for _ in range(2)]
    assert torch.equal(tasks[0].noisy, tasks[1].noisy) and torch.equal(tasks[0].timesteps, tasks[1].timesteps)
    assert objective.losses(tasks[0].target, tasks[0]).tolist() == [0.0] * 4


def test_validation_asks_at_spread_timesteps_with_weight_one() -> None:
    objective = Objective(PLAIN, EPSILON, LossOptions())
    tasks = [objective.fixed_task(latents(2), n, 4, generator("cpu", 42, "validation")) for n in range(4)]
    assert [task.timesteps.tolist() for task in tasks] == [[125, 125], [375, 375], [625, 625], [875, 875]]
    assert all(task.weights.tolist() == [1.0, 1.0] for task in tasks)
    assert torch.equal(tasks[0].noisy, objective.fixed_task(latents(2), 0, 4, generator("cpu", 42, "validation")).noisy)
