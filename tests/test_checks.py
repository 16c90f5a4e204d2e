import pytest

from lora_trainer import options
from lora_trainer.checks import check, checked
from lora_trainer.errors import BaseModelError, ConfigError


@pytest.fixture
def complete(tmp_path):
    """Values that lack nothing."""
    return {"base": {"checkpoint": "pocket"}, "data": {"folders": [str(tmp_path)]}, "save": {"name": "cat"}}


def problems_of(values):
    with pytest.raises(ConfigError) as caught:
        check(options.build(values))
    return caught.value.problems


def test_base_data_and_name_are_enough(complete):
    assert check(options.build(complete)) is None


def test_nothing_but_base_data_and_name_must_be_told():
    problems = problems_of({})
    assert [problem.split()[0] for problem in problems] == ["base.checkpoint", "data.folders", "save.name"]


def test_files_that_do_not_exist_are_named(complete):
    complete["base"] = {"checkpoint": "nowhere.safetensors"}
    complete["network"] = {"train_on": "gone.safetensors"}
    assert problems_of(complete) == [
        "base.checkpoint is 'nowhere.safetensors', which does not exist. Check the path.",
        "network.train_on is 'gone.safetensors', which does not exist. Check the path.",
    ]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("loss.timestep_least=900", "loss.timestep_most"),
        ("data.bucket_least=4096", "data.bucket_most"),
        ("data.resolution=100", "multiples of 8"),
        ("network.train_unet=false", "nothing to train"),
        ("optimizer.name=adamm", "Did you mean 'adamw'?"),
        ("optimizer.schedule=cosin", "Did you mean 'cosine'?"),
        ("network.scale_weight_norms=1", "schedule_free_adamw"),
        ("network.type=lorra", "Did you mean 'lora'?"),
        ("samples.sampler=eular", "Did you mean 'euler'?"),
        ("network.block_ranks={dwn: 4}", "Known are down"),
        ("network.block_rates={text.0: 2}", "not trained"),
        ("network.arguments={factor: 4}", "does not take"),
        ("network={type: lokr, rank_dropout: 0.1}", "no meaning for the network type 'lokr'"),
        ("network={type: lokr, arguments: {factor: 1}}", "at least 2, not 1"),
        ("optimizer.name=torch.optim.RAdamm", "Did you mean 'RAdam'?"),
        ("optimizer.name=torch.optim.LBFGS", "cannot take a step"),
        ("optimizer.name=json.dumps", "cannot be made"),
        ("optimizer.arguments={speed: 3}", "speed"),
        ("save.name=...", "no file name"),
        ("memory.device=gpu", "no device is called so"),
        ("memory.precision=fp16", "slow on a CPU"),
    ],
)
def test_what_does_not_go_together_is_explained(complete, monkeypatch, change, word):
    monkeypatch.setattr("lora_trainer.devices.choice._first_available", lambda: "cpu")
    beside = {"timestep": "loss.timestep_most=800", "weight_norms": "optimizer.name=schedule_free_adamw"}
    changes = [change, *(other for word_in, other in beside.items() if word_in in change)]
    (problem,) = problems_of(options.merged(complete, options.parse_changes(changes)))
    assert word in problem


@pytest.fixture
def describe(random_sd1):
    """Reads the header of a base of SD1's topology, whatever options name."""
    from lora_trainer.config import BaseOptions, MemoryOptions
    from lora_trainer.host.standalone import StandaloneHost

    return lambda config: StandaloneHost(BaseOptions(checkpoint=str(random_sd1)), MemoryOptions()).describe()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("network.block_ranks={down.9: 4}", "Known are down.0, down.1, down.2, mid, up.1, up.2, up.3."),
        ("network.block_rates={text.12: 0.5}", "text.11"),
        ("network.block_ranks={down.3: 4}", "set network.conv_rank as well"),
    ],
)
def test_a_block_that_the_base_lacks_is_told_from_its_header(complete, describe, change, word):
    beside = {"network": {"train_text_encoder": "text" in change}}
    with pytest.raises(ConfigError) as caught:
        check(options.build(options.merged(complete | beside, options.parse_changes([change]))), describe)
    (problem,) = caught.value.problems
    assert word in problem


def test_blocks_that_the_base_has_are_right(complete, describe):
    complete["network"] = {
        "block_ranks": {"down": 2, "down.2": 4, "mid": 0},
        "block_rates": {"up.0": 2},
        "conv_rank": 4,
    }
    assert check(options.build(complete), describe) is None


def test_a_block_that_the_base_lacks_is_told_with_all_other_problems(complete, describe):
    complete |= {"network": {"rank": 0, "block_ranks": {"down.9": 4}}, "optimizer": {"name": "adamm"}}
    with pytest.raises(ConfigError) as caught:
        checked(complete, describe)
    assert [problem.split()[0] for problem in caught.value.problems] == [
        "network.rank",
        "optimizer.name:",
        "network.block_ranks",
    ]


def test_a_base_that_cannot_be_trained_on_is_told_with_wrong_options_and_alone_as_what_it_is(complete):
    def describe(config):
        raise BaseModelError("This is no base.")

    complete["network"] = {"block_ranks": {"mid": 4}}
    with pytest.raises(BaseModelError):
        checked(complete, describe)
    complete["optimizer"] = {"name": "adamm"}
    with pytest.raises(ConfigError) as caught:
        checked(complete, describe)
    assert len(caught.value.problems) == 2 and caught.value.problems[1] == "This is no base."


def test_all_problems_of_single_options_and_of_their_combination_are_told_at_once(complete):
    complete |= {"network": {"rank": 0}, "optimizer": {"name": "adamm"}, "save": {}}
    with pytest.raises(ConfigError) as caught:
        checked(complete)
    assert [problem.split()[0] for problem in caught.value.problems] == ["network.rank", "save.name", "optimizer.name:"]
