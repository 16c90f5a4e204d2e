"""The open_clip judge, with a model whose answers are known: three colours are three directions."""

import pytest
from PIL import Image

from lora_trainer.config import DataOptions, Folder
from lora_trainer.data.marks import Box, Marks, change_marks
from lora_trainer.judging import Settings
from lora_trainer.judging.clip import ClipJudge
from lora_trainer.judging.learned import learned_pictures, pictures_in
from lora_trainer.vision.clip_model import ClipModel
from tests.captioning.colours import COLOURS, colour_clip

RED, GREEN = (Image.new("RGB", (24, 16), COLOURS[name]) for name in ("red", "green"))


@pytest.fixture
def pictures(tmp_path):
    """A folder of two red pictures, and one of green ones for regularization."""
    for folder, image, count in (("set", RED, 2), ("class", GREEN, 3)):
        (tmp_path / folder).mkdir()
        for number in range(count):
            image.save(tmp_path / folder / f"{number}.png", compress_level=number)
    return tmp_path


@pytest.fixture
def settings(tmp_path):
    colour_clip(tmp_path / "models" / "clip" / "colours")
    return Settings(tmp_path / "models", device="cpu")


def up(settings, learned):
    judge = ClipJudge(settings)
    judge.load(learned, lambda: False)
    return judge


def test_what_was_learned_are_the_pictures_but_for_regularization_and_excluded_ones(pictures):
    folders = [Folder(str(pictures / "set")), Folder(str(pictures / "class"), regularization=True)]
    assert [one.path.name for one in learned_pictures(DataOptions(folders=folders))] == ["0.png", "1.png"]
    change_marks({pictures / "set" / "0.png": Marks(excluded=True)})
    assert [one.path.name for one in learned_pictures(DataOptions(folders=folders))] == ["1.png"]
    assert learned_pictures(DataOptions(folders=[Folder(str(pictures / "gone"))])) == []


def test_of_many_pictures_a_part_is_looked_at_from_all_over(pictures):
    some = learned_pictures(DataOptions(folders=[Folder(str(pictures / "class"))]), most=2)
    assert [one.path.name for one in some] == ["0.png", "2.png"]


def test_a_picture_is_looked_at_without_its_border_and_not_larger_than_need_be(tmp_path):
    image = Image.new("RGB", (2000, 1000), "white")
    image.paste(COLOURS["red"], (1000, 0, 2000, 1000))
    image.save(tmp_path / "a.png")
    change_marks({tmp_path / "a.png": Marks(border=Box.of([0.5, 0, 0.5, 1]))})
    (one,) = pictures_in(tmp_path)
    seen = one.read()
    assert seen.size == (768, 768) and seen.getpixel((5, 5)) == COLOURS["red"]


def test_likeness_is_high_for_what_was_learned_and_low_for_the_rest(pictures, settings):
    judge = up(settings, pictures_in(pictures / "set"))
    red, green = (judge.likeness(seen) for seen in judge.look([RED, GREEN]))
    assert red == pytest.approx(1, abs=1e-4) and green < 0.9
    assert judge.among_learned() == pytest.approx([1, 1], abs=1e-4)


def test_a_text_suits_the_picture_that_shows_it(settings):
    judge = up(settings, [])
    seen, _ = judge.look([RED, GREEN])
    fits, wrong = judge.suits(seen, ["red", "green"])
    assert fits > wrong and judge.likeness(seen) is None and judge.among_learned() == []


def test_equal_pictures_do_not_differ(settings):
    one, same, other = up(settings, []).look([RED, RED, GREEN])
    judge = ClipJudge(settings)
    assert judge.difference(one, same) == pytest.approx(0, abs=1e-6)
    assert judge.difference(one, other) > 0.01


def test_the_data_set_is_looked_at_once(pictures, settings, monkeypatch):
    learned = pictures_in(pictures / "set")
    before = up(settings, learned).among_learned()
    monkeypatch.setattr(ClipModel, "pictures", lambda self, pictures: pytest.fail("looked at again"))
    assert up(settings, learned).among_learned() == before


def test_what_cannot_be_read_is_passed_over(pictures, settings):
    (pictures / "set" / "broken.png").write_bytes(b"no picture")
    assert len(up(settings, pictures_in(pictures / "set")).among_learned()) == 2


def test_where_the_model_finds_no_room_on_the_device_it_comes_up_on_the_processor(settings, monkeypatch):
    from lora_trainer.vision import clip_place

    asked = []

    def load(path, architecture, device):
        asked.append(device)
        if device != "cpu":
            raise RuntimeError("CUDA out of memory")
        return clip_place_load(path, architecture, device)

    clip_place_load = clip_place.load_clip
    monkeypatch.setattr(clip_place, "load_clip", load)
    up(Settings(settings.folder), [])
    assert asked == ["auto", "cpu"]
