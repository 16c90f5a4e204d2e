import json

import pytest
from PIL import Image

from lora_trainer.files.sidecar import merged, write_card
from lora_trainer.host.base import Card

CARD = Card(trigger_word="zorb", strength=0.7, family="sdxl", notes="600 steps on 24 pictures.\nBest at 0.7.")


@pytest.fixture
def lora(tmp_path):
    return tmp_path / "my cat.safetensors"


def sidecar(lora):
    return json.loads(lora.with_suffix(".json").read_text(encoding="utf-8"))


def test_the_card_shows_trigger_word_strength_version_and_notes(lora):
    assert write_card(lora, CARD) == []
    shown = sidecar(lora)
    assert shown["activation text"] == "zorb"
    assert shown["preferred weight"] == 0.7
    assert shown["sd version"] == "SDXL"
    assert shown["notes"] == CARD.notes
    assert shown["description"] == "600 steps on 24 pictures."


def test_what_the_user_wrote_stays_when_it_is_trained_again(lora):
    write_card(lora, CARD)
    mine = {"notes": "my own", "negative text": "blurry", "description": "mine", "favourite": True}
    lora.with_suffix(".json").write_text(json.dumps(sidecar(lora) | mine), encoding="utf-8")
    write_card(lora, Card(trigger_word="zorb", strength=0.9, family="sdxl", notes="900 steps."))
    shown = sidecar(lora)
    assert {key: shown[key] for key in mine} == mine
    assert shown["preferred weight"] == 0.9


def test_what_the_user_did_not_touch_follows_the_new_training(lora):
    write_card(lora, CARD)
    write_card(lora, Card(trigger_word="zarb", notes="900 steps."))
    shown = sidecar(lora)
    assert shown["activation text"] == "zarb"
    assert shown["notes"] == "900 steps."


def test_the_trigger_word_is_added_to_the_user_s_own_activation_text():
    assert merged({"activation text": "1girl, smile"}, CARD)["activation text"] == "zorb, 1girl, smile"
    assert merged({"activation text": "smile, zorb"}, CARD)["activation text"] == "smile, zorb"


def test_a_sidecar_that_cannot_be_read_is_left_and_named(lora):
    lora.with_suffix(".json").write_text("{half", encoding="utf-8")
    (remark,) = write_card(lora, CARD)
    assert "my cat.json" in remark
    assert lora.with_suffix(".json").read_text(encoding="utf-8") == "{half"


def test_the_preview_does_not_take_the_place_of_the_user_s_picture(lora, tmp_path):
    Image.new("RGB", (8, 8), "red").save(tmp_path / "sample.png")
    Image.new("RGB", (8, 8), "blue").save(lora.with_suffix(".png"))
    write_card(lora, Card(preview=tmp_path / "sample.png"))
    assert Image.open(lora.with_suffix(".png")).getpixel((0, 0)) == (0, 0, 255)
    assert Image.open(lora.with_suffix(".preview.png")).getpixel((0, 0)) == (255, 0, 0)
