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
from lora_trainer.presets import load_presets

PRESETS = load_presets()
GOALS = {
    "sd1-character", "sd1-style", "sd1-object", "sdxl", "sdxl-low-memory", "illustrious-character",
    "illustrious-style", "photo-person", "no-rate", "pocket", "sdxl-style",
}  # fmt: skip


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


def test_all_goals_are_there():
    assert {preset.name for preset in PRESETS} == GOALS


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


def test_a_file_that_is_no_preset_is_named(tmp_path):
    (tmp_path / "mine.yaml").write_text("values: {}", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"mine\.yaml"):
        load_presets(tmp_path)


def test_the_defaults_need_no_preset():
    assert options.build({}) == TrainConfig()
