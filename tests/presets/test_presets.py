"""Every preset is a training that could start, given a base, pictures and a name."""

import functools

import pytest

from lora_trainer import options
from lora_trainer.checks import check
from lora_trainer.config import TrainConfig
from lora_trainer.errors import ConfigError
from lora_trainer.optimizers import remarks
from lora_trainer.pocket.layout import PICTURE
from lora_trainer.pocket.lesson import NOVELTIES, lesson_values
from lora_trainer.presets import GOALS, load_presets

PRESETS = load_presets()
BASES = ("sd1", "sdxl", "illustrious")
OTHERS = {"sdxl", "sdxl-low-memory", "no-rate", "pocket"}


@pytest.fixture
def rest(tmp_path):
    """What a user adds to a preset."""
    return {"base": {"checkpoint": "pocket"}, "data": {"folders": [str(tmp_path)]}, "save": {"name": "cat"}}


def test_the_first_try_has_the_numbers_of_the_measured_lesson(tmp_path):
    (preset,) = [preset for preset in PRESETS if preset.name == "pocket"]
    lesson = options.build(lesson_values(NOVELTIES[0], tmp_path, tmp_path))
    both = options.build(options.merged(options.to_values(lesson), preset.values))
    assert options.differences(lesson, both) == ["data.resolution"]  # the lesson leaves it to the base
    assert both.data.resolution == PICTURE


def test_every_base_has_a_preset_for_every_goal():
    assert {preset.name for preset in PRESETS} == OTHERS | {f"{base}-{goal}" for base in BASES for goal in GOALS}
    assert all(preset.goal == ("" if preset.name in OTHERS else preset.name.split("-")[1]) for preset in PRESETS)


def test_no_two_presets_set_the_same_or_say_the_same():
    values = [options.to_yaml(options.build(preset.values)) for preset in PRESETS]
    assert len(set(values)) == len({preset.why for preset in PRESETS}) == len(PRESETS)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_preset_is_a_training_that_could_start(preset, rest):
    config = options.build(options.merged(preset.values, rest))
    check(config)
    assert remarks(config.optimizer) == []


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_preset_s_values_have_the_types_of_their_options(preset):
    """A number written as text ('1e-4' in YAML) would be text on the page."""
    config = options.build(preset.values)
    for option in options.walk():
        keys = option.path.split(".")
        value = functools.reduce(lambda level, key: (level or {}).get(key), keys, preset.values)
        if value is not None:
            assert type(value) is type(functools.reduce(getattr, keys, config)), option.path


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_preset_says_why_and_for_which_bases(preset):
    assert preset.title and preset.why.endswith(".") and len(preset.why) < 300
    assert set(preset.families) <= {"sd1", "sd2", "sdxl"} and preset.families
    assert preset.title.code != preset.why.code


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_preset_leaves_several_saves_to_choose_from(preset):
    """The fewest showings that a run without steps has are 1000."""
    config = options.build(preset.values)
    steps = config.steps or 1000 / (config.data.batch_size * config.optimizer.accumulation)
    assert steps / config.save.every >= 2


def test_presets_stand_in_the_order_of_their_files():
    assert PRESETS[0].name == "sd1-character"
    assert PRESETS[-1].name == "pocket"


@pytest.mark.parametrize("path", ["base.checkpoint", "data.folders", "data.trigger_word", "save.name", "save.output"])
def test_no_preset_sets_what_is_the_user_s_own(path):
    section, key = path.split(".")
    assert not any(key in preset.values.get(section, {}) for preset in PRESETS)


@pytest.mark.parametrize(
    "text",
    [
        "title: x\nvalues: {}",
        "title: x\nwhy: y",
        "[1]",
        "{",
        "builds_on: gone\nvalues: {}",
        "builds_on: mine\nvalues: {}",
    ],
)
def test_a_file_that_is_no_preset_is_named(tmp_path, text):
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"mine\.yaml"):
        load_presets(tmp_path)


def test_a_preset_says_only_what_differs_from_the_one_that_it_builds_on(tmp_path):
    ground = "families: [sdxl]\nvalues: {network: {rank: 8, alpha: 4.0}}"
    (tmp_path / "ground.yaml").write_text(ground, encoding="utf-8")
    mine = "title: x\nwhy: y\nbuilds_on: ground\nvalues: {network: {rank: 16}, steps: 5}"
    (tmp_path / "mine.yaml").write_text(mine, encoding="utf-8")
    (preset,) = load_presets(tmp_path)
    assert preset.values == {"network": {"rank": 16, "alpha": 4.0}, "steps": 5} and preset.families == ("sdxl",)


def test_the_defaults_need_no_preset():
    assert options.build({}) == TrainConfig()
