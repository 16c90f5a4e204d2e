"""Settings that follow from base, goal and pictures, with reasons."""

from __future__ import annotations

from typing import Any

import pytest

from lora_trainer import options
from lora_trainer.checks import check
from lora_trainer.host.base import BaseInfo
from lora_trainer.presets import GOALS, load_presets
from lora_trainer.recommend import Facts, Recommendation, recommend

PRESETS = load_presets()
SENTENCES = ["a red fox on a bench", "the fox runs over wet grass"] * 6
TAGS = ["zorb, red fox, bench, day", "zorb, fox, running, wet grass"] * 6


def advise(
    goal: str = "object",
    *,
    family: str = "sd1",
    name: str = "base",
    sides: list[int] | None = None,
    captions: list[str] | None = None,
    kept: dict[str, Any] | None = None,
    **info: Any,
) -> Recommendation:
    captions = SENTENCES if captions is None else captions
    sides = sides or [1024] * len(captions)
    base = BaseInfo(name, family, native_resolution={"sdxl": 1024}.get(family, 512), **info)
    return recommend(Facts(base, goal, sides, captions, "zorb"), PRESETS, kept)


def codes(found: Recommendation) -> set[str]:
    return {reason.sentence.code for reason in found.reasons}


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("family, name", [("sd1", "a"), ("sd2", "a"), ("sdxl", "a"), ("sdxl", "ponyDiffusionV6XL")])
def test_for_every_base_and_goal_it_is_a_training_that_could_start(
    family: str, name: str, goal: str, tmp_path: Any
) -> None:
    found = advise(goal, family=family, name=name)
    rest = {"base": {"checkpoint": "pocket"}, "data": {"folders": [str(tmp_path)]}, "save": {"name": "cat"}}
    check(options.build(options.merged(found.values, rest)))
    assert all(reason.sentence and reason.paths for reason in found.reasons)


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize(
    "family, name, kind", [("sd1", "a", "sd1"), ("sdxl", "a", "sdxl"), ("sdxl", "ponyDiffusionV6XL", "illustrious")]
)
def test_it_begins_with_the_preset_of_its_base_and_goal(family: str, name: str, kind: str, goal: str) -> None:
    assert advise(goal, family=family, name=name).preset == f"{kind}-{goal}"


def test_a_base_without_a_preset_for_the_goal_begins_with_the_careful_one() -> None:
    assert advise("character", family="sd2").preset == "sd1-object"


def test_a_base_of_tags_is_known_by_its_name() -> None:
    assert advise("character", family="sdxl", name="NoobAI-XL-v1").preset == "illustrious-character"
    assert advise("character", family="sdxl", name="juggernautXL").preset == "sdxl-character"


def test_a_base_with_a_preset_of_its_own_gets_that() -> None:
    assert advise("style", name="pocket").preset == "pocket"


def test_small_pictures_are_not_blown_up() -> None:
    found = advise(family="sdxl", sides=[700] * 12)
    assert found.values["data"]["resolution"] == 704
    assert "advice_small_pictures" in codes(found)
    assert advise(family="sdxl", sides=[200] * 12).values["data"]["resolution"] == 512
    assert "resolution" not in advise(family="sdxl", sides=[1500] * 12).values["data"]


def test_tags_are_shuffled_and_sentences_are_not() -> None:
    assert advise(captions=TAGS).values["data"]["shuffle_tags"] is True
    assert advise("style", captions=SENTENCES).values["data"]["shuffle_tags"] is False
    assert "advice_tags" not in codes(advise("character", captions=TAGS))  # the preset says so already


def test_pictures_without_captions_keep_their_trigger_word() -> None:
    found = advise(captions=["zorb"] * 12)
    assert found.values["data"]["caption_dropout"] == 0.0 and "advice_no_captions" in codes(found)


def test_few_pictures_get_a_smaller_network_and_many_are_held_back_in_part() -> None:
    few = advise(captions=SENTENCES[:6]).values["network"]
    assert few["rank"] == 8 and few["alpha"] == 4.0  # the strength of its steps stays
    found = advise(captions=SENTENCES * 3)
    assert found.values["network"]["rank"] == 16 and found.values["data"]["validation_share"] == 0.1


def test_a_run_is_as_long_as_experts_make_it_and_leaves_eight_saves() -> None:
    values = advise(captions=SENTENCES).values  # batch 2
    assert values["steps"] == 600 and values["save"]["every"] == 80


def test_very_many_pictures_are_each_seen_often_enough_and_few_of_them_held_back() -> None:
    values = advise("style", family="sdxl", captions=[f"a house {number} in the rain" for number in range(2000)]).values
    batch, held = values["data"]["batch_size"], values["data"]["validation_share"] * 2000
    assert values["steps"] * batch == 5 * 2000 and round(held) == 20
    assert values["save"]["every"] * 8 <= values["steps"]


def test_three_pictures_are_a_run_that_ends() -> None:
    found = advise("character", captions=SENTENCES[:3])
    assert found.values["steps"] * found.values["data"]["batch_size"] == 1000
    assert "validation_share" not in found.values["data"] and found.values["network"]["train_text_encoder"] is False


def test_min_snr_is_off_where_it_would_take_all_weight_away() -> None:
    found = advise(family="sdxl", prediction_type="v_prediction", zero_terminal_snr=True)
    assert found.values["loss"]["min_snr_gamma"] == 0.0


def test_a_base_down_to_pure_noise_needs_no_offset() -> None:
    assert advise("product", family="sdxl").values["loss"]["noise_offset"] > 0
    found = advise("product", family="sdxl", prediction_type="v_prediction", zero_terminal_snr=True)
    assert found.values["loss"]["noise_offset"] == 0.0 and "advice_no_offset" in codes(found)


def test_pony_s_scores_are_named_until_prompts_were_written() -> None:
    assert "advice_pony" in codes(advise("character", family="sdxl", name="ponyDiffusionV6XL"))
    written = advise("character", family="sdxl", name="ponyDiffusionV6XL", kept={"samples.prompts": ["score_9, zorb"]})
    assert "advice_pony" not in codes(written)
    assert "advice_pony" not in codes(advise("character", family="sdxl", name="NoobAI-XL-v1"))


def test_what_the_user_chose_is_kept_and_not_given_reasons() -> None:
    found = advise(sides=[300] * 12, kept={"data.resolution": 512, "network.rank": 4})
    assert found.values["data"]["resolution"] == 512 and found.values["network"]["rank"] == 4
    assert "advice_small_pictures" not in codes(found)
    assert not any({"data.resolution", "network.rank"} & set(reason.paths) for reason in found.reasons)
