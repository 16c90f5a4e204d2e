import pytest

from lora_trainer import options
from lora_trainer.checks import check, checked
from lora_trainer.errors import ConfigError


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
    monkeypatch.setattr("lora_trainer.device._first_available", lambda: "cpu")
    beside = {"timestep": "loss.timestep_most=800", "weight_norms": "optimizer.name=schedule_free_adamw"}
    changes = [change, *(other for word_in, other in beside.items() if word_in in change)]
    (problem,) = problems_of(options.merged(complete, options.parse_changes(changes)))
    assert word in problem


def test_all_problems_of_single_options_and_of_their_combination_are_told_at_once(complete):
    complete |= {"network": {"rank": 0}, "optimizer": {"name": "adamm"}, "save": {}}
    with pytest.raises(ConfigError) as caught:
        checked(complete)
    assert [problem.split()[0] for problem in caught.value.problems] == ["network.rank", "save.name", "optimizer.name:"]
