"""Pictures of a class: drawn with their captions, in the sizes of a run, kept and counted, gone on with."""

from collections import Counter
from dataclasses import replace

import pytest
from PIL import Image

from lora_trainer import options
from lora_trainer.config import DataOptions, Folder
from lora_trainer.data.scan import scan
from lora_trainer.errors import ConfigError, UserError
from lora_trainer.regularization import (
    ClassDrawn,
    ClassPictures,
    Order,
    caption_of,
    draw_class,
    usual_count,
    usual_sizes,
)
from tests.painting import Painter
from tests.runs import draw_pictures, of_kind, run, values

ORDER = Order(["photo of a dog", "a (running:1.2) dog"], 4, seed=10)


def draw(folder, order=ORDER, painter=None, **more):
    return list(draw_class(painter or Painter(), order, folder, **more))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_every_picture_has_its_class_as_its_caption_and_a_seed_of_its_own(tmp_path):
    painter = Painter()
    events = draw(tmp_path / "dogs", painter=painter)
    assert events[-1] == ClassPictures(4, 0, stopped=False, folder=str(tmp_path / "dogs"))
    assert [event.done for event in of_kind(events, ClassDrawn)] == [1, 2, 3, 4]
    assert [asked.seed for asked in painter.asked] == [10, 11, 12, 13]
    seen = scan(
        DataOptions(folders=[Folder(str(tmp_path / "dogs"), regularization=True), _own(tmp_path)], resolution=64)
    )
    assert [one.caption for one in seen.pictures if one.regularization] == ["photo of a dog", "a running dog"] * 2
    with Image.open(tmp_path / "dogs" / "class-00002.png") as image:
        assert "Seed: 11" in image.info["parameters"]


def _own(tmp_path):
    return Folder(str(draw_pictures(tmp_path / "own")))


def test_what_is_there_is_kept_and_counted_whoever_made_it(tmp_path):
    Image.new("RGB", (64, 64)).save(tmp_path / "mine.png")
    draw(tmp_path)
    assert names(tmp_path).count("class-00003.png") == 1 and "class-00004.png" not in names(tmp_path)
    painter = Painter()
    assert draw(tmp_path, painter=painter)[-1] == ClassPictures(0, 4, stopped=False, folder=str(tmp_path))
    assert painter.opened == 0  # the base is not asked for what is there


def test_stopped_at_any_picture_it_goes_on_behind_it(tmp_path):
    painter = Painter()
    events = draw(tmp_path, painter=painter, stop=lambda: len(painter.asked) == 2)
    assert events[-1] == ClassPictures(2, 0, stopped=True, folder=str(tmp_path))
    assert draw(tmp_path)[-1] == ClassPictures(2, 2, stopped=False, folder=str(tmp_path))
    draw(tmp_path / "whole")
    assert all(
        (tmp_path / name).read_bytes() == (tmp_path / "whole" / name).read_bytes() for name in names(tmp_path / "whole")
    )


def test_a_host_that_breaks_off_leaves_whole_pictures_behind(tmp_path):
    def interrupted(number):
        if number == 3:
            raise UserError("Interrupted in the WebUI.")

    with pytest.raises(UserError, match="Interrupted"):
        draw(tmp_path, painter=Painter(before=interrupted))
    assert names(tmp_path) == ["class-00001.png", "class-00001.txt", "class-00002.png", "class-00002.txt"]


def test_a_picture_that_was_deleted_is_replaced_by_another_one(tmp_path):
    draw(tmp_path)
    (tmp_path / "class-00002.png").unlink()
    painter = Painter()
    draw(tmp_path, painter=painter)
    assert [asked.seed for asked in painter.asked] == [14]


def test_without_a_seed_no_two_orders_draw_the_same(tmp_path):
    painters = [Painter(), Painter()]
    for number, painter in enumerate(painters):
        draw(tmp_path / str(number), replace(ORDER, seed=-1), painter)
    assert len({asked.seed for painter in painters for asked in painter.asked}) == 8


def test_sizes_come_in_the_shares_of_the_run_s_own_buckets_for_every_prompt():
    order = replace(ORDER, sizes={(512, 512): 3, (384, 640): 1})
    asked = [order.request(number, 0, 512) for number in range(1, 401)]
    found = Counter((one.prompt, one.height, one.width) for one in asked)
    assert {key[1:]: pytest.approx(n, abs=4) for key, n in found.items() if key[0] == ORDER.prompts[0]} == {
        (512, 512): 150,
        (384, 640): 50,
    }
    assert ORDER.request(1, 0, 516).width == 512  # the base's own, in whole latent pixels


def test_as_many_as_the_run_sees_of_its_own_in_an_epoch(tmp_path):
    draw_pictures(tmp_path / "3_zorb", count=4)
    draw_pictures(tmp_path / "class", count=2)
    folders = [Folder(str(tmp_path / "3_zorb")), Folder(str(tmp_path / "class"), regularization=True)]
    pictures = scan(DataOptions(folders=folders, resolution=64)).pictures
    assert usual_count(pictures) == 12 and usual_sizes(pictures) == {(64, 64): 12}


@pytest.mark.parametrize(
    "change, code",
    [
        ({"prompts": []}, "class_prompts"),
        ({"prompts": ["x" * 3000]}, "class_prompts"),
        ({"count": 0}, "class_count"),
        ({"count": 10**6}, "class_count"),
        ({"prompts": ["photo of a Zorb dog"]}, "class_trigger"),
    ],
)
def test_what_cannot_be_drawn_is_a_sentence(change, code):
    with pytest.raises(ConfigError) as caught:
        replace(ORDER, **change).check("zorb")
    assert [problem.code for problem in caught.value.problems] == [code]


def test_a_caption_says_what_the_prompt_draws():
    assert caption_of("a (red:1.2) [dog] <lora:fur:0.5> BREAK on grass # not this") == "a red dog on grass"


def test_a_run_is_trained_beside_them(random_sd1, pictures, tmp_path):
    draw(tmp_path / "class", replace(ORDER, count=2))
    nested = values(random_sd1, pictures, tmp_path / "out", steps=2, save__name="zorb")
    nested["data"]["folders"].append({"path": str(tmp_path / "class"), "regularization": True})
    assert run(options.build(nested))[-1].step == 2
