from dataclasses import replace
from pathlib import Path

from lora_trainer.config import TrainConfig
from lora_trainer.data.records import Picture
from lora_trainer.host.base import BaseInfo
from lora_trainer.resolve import with_epochs, with_resolution

PICTURE = Picture(Path("a.png"), "a.png", "digest", (64, 64), (64, 64))


def test_the_resolution_is_the_base_s_own_unless_one_is_asked_for():
    info = BaseInfo("pocket", "sd1", native_resolution=64)
    assert with_resolution(TrainConfig(), info).data.resolution == 64
    asked = replace(TrainConfig(), data=replace(TrainConfig().data, resolution=512))
    assert with_resolution(asked, info) is asked


def test_few_pictures_are_shown_more_often_than_many():
    epochs = [with_epochs(TrainConfig(), [PICTURE] * count).epochs for count in (10, 100, 2000)]
    assert epochs == [100, 30, 5]  # of very many, each is still seen


def test_repeats_count_towards_the_showings():
    assert with_epochs(TrainConfig(), [replace(PICTURE, repeats=10)] * 10).epochs == 10


def test_a_number_of_steps_or_epochs_that_is_asked_for_stays():
    for asked in (replace(TrainConfig(), steps=7), replace(TrainConfig(), epochs=3)):
        assert with_epochs(asked, [PICTURE]) is asked
