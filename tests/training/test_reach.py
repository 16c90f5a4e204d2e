"""How far adapters move predictions, against the same model without them."""

import pytest
import torch

from lora_trainer import options
from lora_trainer.families.base import FAMILIES
from lora_trainer.host.standalone import StandaloneHost
from lora_trainer.networks.base import NETWORKS
from lora_trainer.objective import NoiseSchedule
from lora_trainer.training.reach import WAY, Reach

PROMPTS = ["a zorb", "a red circle"]


@pytest.fixture(scope="module")
def loan(random_sd1):
    config = options.build({"base": {"checkpoint": str(random_sd1)}})
    with StandaloneHost(config.base, config.memory).lend() as loan:
        yield loan


@pytest.fixture
def adapters(loan):
    """Adapters as a training begins with them: they change nothing yet."""
    config = options.build({"network": {"rank": 2, "dropout": 0.5}})
    adapters = NETWORKS.get("lora").attach(FAMILIES.get("sd1"), loan.unet(), [], config)
    yield adapters
    adapters.detach()


@pytest.fixture
def reach(loan, adapters):
    """Its measure; `reach.calls` counts predictions."""

    def predict(noisy, timesteps, conditioning):
        found.calls += 1
        return loan.unet()(noisy, timesteps, encoder_hidden_states=conditioning.context).sample

    def encode(texts):
        return loan.encode_captions(texts, clip_skip=1, max_tokens=75)

    schedule = NoiseSchedule.scaled_linear()
    found = Reach(predict, encode, adapters, schedule, "epsilon", (4, 8, 8), loan.device, seed=1)
    found.calls = 0
    return found


def learn(adapters, much):
    with torch.no_grad():
        for name, parameter in adapters._parameters().items():
            if "lora_up" in name:
                parameter.fill_(much)


def test_what_has_learned_nothing_moves_nothing(reach):
    shift = reach.measure(PROMPTS)
    assert shift.moved == 0 and shift.said > 0 and shift.kept == pytest.approx(1)


def test_the_more_a_lora_does_the_farther_it_moves(reach, adapters):
    learn(adapters, 0.001)
    little = reach.measure(PROMPTS)
    learn(adapters, 0.1)
    much = reach.measure(PROMPTS)
    assert 0 < little.moved < much.moved and much.kept < little.kept < 1.01


def test_the_base_s_own_way_is_walked_once(reach):
    reach.measure(PROMPTS)
    assert reach.calls == 4 * len(PROMPTS) * len(WAY)
    reach.measure(PROMPTS)
    assert reach.calls == 6 * len(PROMPTS) * len(WAY)
    assert reach.said(PROMPTS) == reach.measure(PROMPTS).said


def test_measuring_twice_gives_the_same_and_leaves_all_as_it_was(reach, adapters):
    learn(adapters, 0.01)
    adapters.set_strength(0.5)
    before, random = adapters.state(), torch.get_rng_state()
    assert reach.measure(PROMPTS) == reach.measure(PROMPTS)
    assert torch.equal(torch.get_rng_state(), random) and adapters.clock.training
    assert all(torch.equal(tensor, before[key]) for key, tensor in adapters.state().items())
    assert {adapters[name].strength for name in adapters._adapters} == {0.5}


def test_prompts_that_say_nothing_are_told_from_those_that_do(reach):
    assert reach.telling(["", "a red circle"]) == ["a red circle"]
