import pytest
import torch

from lora_trainer.sampling.levels import LAST_ALPHA, Levels, karras, sampling_alphas, uniform

LEVELS = Levels(sampling_alphas())


def test_sigmas_are_those_of_stable_diffusion():
    assert LEVELS.sigmas[0].item() == pytest.approx(0.029167, rel=1e-4)
    assert LEVELS.sigmas[-1].item() == pytest.approx(14.614647, rel=1e-5)


def test_zero_terminal_snr_ends_at_the_hosts_finite_sigma():
    alphas = sampling_alphas(zero_terminal_snr=True)
    assert alphas[-1].item() == pytest.approx(LAST_ALPHA)
    assert alphas[0].item() == pytest.approx(sampling_alphas()[0].item(), rel=1e-5)
    assert Levels(alphas).sigmas[-1].item() == pytest.approx(4518.8, rel=1e-3)


def test_timestep_and_sigma_are_inverse():
    for timestep in (0.0, 0.3, 17.0, 500.5, 998.9, 999.0):
        back = LEVELS.timestep(LEVELS.sigma(torch.tensor(timestep)))
        assert back.item() == pytest.approx(timestep, abs=0.02)


def test_sigmas_beyond_the_schedule_get_its_ends():
    assert LEVELS.timestep(torch.tensor(1000.0)).item() == 999
    assert LEVELS.timestep(torch.tensor(1e-6)).item() == 0


def test_between_two_timesteps_sigma_is_the_geometric_mean():
    expected = (LEVELS.sigmas[10] * LEVELS.sigmas[11]).sqrt()
    assert LEVELS.sigma(torch.tensor(10.5)).item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("spacing", [uniform, karras])
def test_schedules_fall_from_the_highest_sigma_to_the_lowest_and_0(spacing):
    sigmas = spacing(LEVELS, 20)
    assert len(sigmas) == 21 and sigmas[-1] == 0
    assert sigmas[0].item() == pytest.approx(LEVELS.sigmas[-1].item(), rel=1e-5)
    assert sigmas[-2].item() == pytest.approx(LEVELS.sigmas[0].item(), rel=1e-4)
    assert (sigmas.diff() < 0).all()


def test_karras_roots_are_evenly_spaced():
    roots = karras(LEVELS, 10)[:-1] ** (1 / 7)
    torch.testing.assert_close(roots.diff(), torch.full((9,), roots.diff().mean().item()), atol=1e-4, rtol=0)
