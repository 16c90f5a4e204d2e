import pytest
import torch

from lora_trainer.config import V_PREDICTION
from lora_trainer.errors import UserError
from lora_trainer.host.base import Conditioning
from lora_trainer.sampling.draw import draw
from lora_trainer.sampling.noise import Noise
from lora_trainer.sampling.samplers import SAMPLERS

from .gaussian import CPU, conditioning, perfect_model


def drawn(predict=None, wanted=None, unwanted=None, **changes):
    settings = {
        "width": 64,
        "height": 128,
        "seed": 7,
        "steps": 4,
        "guidance": 3.0,
        "sampler": "euler",
        "device": CPU,
    }
    return draw(
        predict or perfect_model(), wanted or conditioning(), unwanted or conditioning(), **{**settings, **changes}
    )


def textual(latents, timesteps, conditioning):
    """A model whose noise depends on the text alone."""
    return conditioning.context.mean((1, 2))[:, None, None, None].expand_as(latents)


def test_the_first_noise_is_what_seeding_torch_and_drawing_one_picture_gives():
    with torch.random.fork_rng():
        torch.manual_seed(7)
        expected = torch.randn(4, 16, 8)
    assert torch.equal(Noise((4, 16, 8), [7], CPU).next()[0], expected)


def test_latents_have_an_eighth_of_the_size():
    assert drawn().shape == (1, 4, 16, 8)


@pytest.mark.parametrize("sampler", SAMPLERS.names())
def test_a_picture_does_not_depend_on_what_is_drawn_beside_it(sampler):
    several = drawn(wanted=conditioning(3), sampler=sampler)
    alone = drawn(seed=9, sampler=sampler)
    torch.testing.assert_close(several[2:], alone)


@pytest.mark.parametrize("sampler", SAMPLERS.names())
def test_the_global_random_state_is_left_alone(sampler):
    before = torch.get_rng_state()
    drawn(sampler=sampler)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("sampler", SAMPLERS.names())
def test_every_step_is_reported_and_the_last_is_the_total(sampler):
    steps = []
    drawn(sampler=sampler, report=lambda step, total, clean: steps.append((step, total, clean.shape)))
    count = SAMPLERS.get(sampler).length(4)
    assert steps == [(step, count, (1, 4, 16, 8)) for step in range(1, count + 1)]


def test_what_the_report_raises_ends_the_drawing():
    class Stopped(Exception):
        pass

    def stop(step, total, clean):
        raise Stopped

    with pytest.raises(Stopped):
        drawn(report=stop)


@pytest.mark.parametrize("sampler", SAMPLERS.names())
def test_guidance_goes_from_the_negative_prompts_answer_through_the_prompts_and_beyond(sampler):
    guided = drawn(textual, conditioning(value=0.2), conditioning(value=0.1), guidance=3.0, sampler=sampler)
    plain = drawn(textual, conditioning(value=0.4), None, guidance=1.0, sampler=sampler)
    torch.testing.assert_close(guided, plain, atol=1e-4, rtol=1e-4)


def test_prompts_of_other_length_than_the_negative_one_are_asked_singly():
    batches = []

    def predict(latents, timesteps, conditioning):
        batches.append(tuple(conditioning.context.shape[:2]))
        return textual(latents, timesteps, conditioning)

    same = drawn(predict, conditioning(2, value=0.2), conditioning(value=0.1), steps=1)
    assert batches == [(4, 77)]
    batches.clear()
    other = drawn(predict, conditioning(2, tokens=154, value=0.2), conditioning(value=0.1), steps=1)
    assert batches == [(2, 154), (2, 77)]
    torch.testing.assert_close(same, other)


def test_prompts_come_before_negative_prompts_with_their_pooled_outputs():
    def predict(latents, timesteps, conditioning):
        assert conditioning.pooled[:, 0].tolist() == [1.0, 2.0]
        return textual(latents, timesteps, conditioning)

    wanted, unwanted = (Conditioning(torch.zeros(1, 77, 4), torch.full((1, 5), value)) for value in (1.0, 2.0))
    drawn(predict, wanted, unwanted, steps=1)


def test_the_model_is_asked_in_its_own_number_format_and_latents_stay_fp32():
    def predict(latents, timesteps, conditioning):
        assert latents.dtype == timesteps.dtype == torch.bfloat16
        return torch.zeros_like(latents)

    for sampler in SAMPLERS.names():
        assert drawn(predict, dtype=torch.bfloat16, sampler=sampler).dtype == torch.float32


@pytest.mark.parametrize("sampler", SAMPLERS.names())
def test_zero_terminal_snr_stays_finite_with_a_v_model(sampler):
    latents = drawn(
        lambda latents, timesteps, conditioning: torch.zeros_like(latents),
        sampler=sampler,
        prediction_type=V_PREDICTION,
        zero_terminal_snr=True,
    )
    assert latents.isfinite().all()


def test_no_gradients_are_kept():
    weight = torch.ones(1, requires_grad=True)
    assert not drawn(lambda latents, timesteps, conditioning: latents * weight).requires_grad


def test_an_unknown_sampler_and_too_few_steps_are_sentences():
    with pytest.raises(UserError, match="Did you mean 'euler'"):
        drawn(sampler="eular")
    with pytest.raises(UserError, match="DDIM cannot draw in 1 step"):
        drawn(sampler="ddim", steps=1)
