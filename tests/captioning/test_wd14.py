"""The tagger with a session that answers from the colours it is given: onnxruntime is no part of the tests."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from lora_trainer.captioning import Settings
from lora_trainer.captioning import wd14 as room
from lora_trainer.captioning.tags import readable
from lora_trainer.captioning.wd14 import Wd14Tagger, as_input, read_labels, side_of
from lora_trainer.errors import FileFormatError

LABELS = "tag_id,name,category,count\n1,general,9,9\n2,long_hair,0,9\n3,>_<,0,9\n4,hatsune_(red),4,9\n5,blue_sky,0,9\n"


class Session:
    """Scores: rating 1, long_hair 0.5, >_< 0.2, the character as red, blue_sky as blue the picture is."""

    def __init__(self, batch="N"):
        self.batch, self.sizes = batch, []

    def get_inputs(self):
        return [SimpleNamespace(name="input_1", shape=[self.batch, 32, 32, 3])]

    def run(self, outputs, given):
        (pixels,) = given.values()
        assert pixels.dtype == np.float32 and pixels.shape[1:] == (32, 32, 3)
        self.sizes.append(len(pixels))
        blue, _, red = (pixels.mean(axis=(1, 2)) / 255).T
        rows = [[1.0, 0.5, 0.2, r, b] for r, b in zip(red, blue)]
        return [np.array(rows, dtype=np.float32)]


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "wd14" / "mine"
    folder.mkdir(parents=True)
    (folder / "selected_tags.csv").write_text(LABELS, encoding="utf-8")
    (folder / "model.onnx").write_bytes(b"not read here")
    return tmp_path


@pytest.fixture
def tagged(place, monkeypatch):
    """What the tagger says of a picture of one colour."""
    monkeypatch.setattr(room.importlib.util, "find_spec", lambda name: object())

    def tag(colour, session=None, **settings):
        session = session or Session()
        monkeypatch.setattr(room, "_session", lambda file: session)
        tagger = Wd14Tagger(Settings(place, **settings))
        tagger.load()
        answers = tagger.caption([Image.new("RGB", (20, 20), colour)] * 2)
        tagger.close()
        assert answers[0] == answers[1]
        return [tag.text for tag in answers[0]]

    return tag


def test_characters_come_first_and_each_kind_has_its_threshold(tagged):
    assert tagged((255, 0, 0)) == ["hatsune (red)", "long hair"]
    assert tagged((200, 0, 0)) == ["long hair"]
    assert tagged((0, 0, 255)) == ["blue sky", "long hair"]
    assert tagged((200, 0, 0), character_threshold=0.7, threshold=0.1) == ["hatsune (red)", "long hair", ">_<"]
    assert tagged((255, 0, 0), most=1) == ["hatsune (red)"]


def test_a_model_for_single_pictures_gets_them_singly(tagged):
    session = Session(batch=1)
    assert tagged((255, 0, 0), session) == ["hatsune (red)", "long hair"]
    assert session.sizes == [1, 1]


def test_a_picture_stands_in_a_white_square_blue_first():
    values = as_input(Image.new("RGB", (40, 20), (255, 10, 0)), 40)
    assert values[0, 0].tolist() == [255, 255, 255] and values[20, 20].tolist() == [0, 10, 255]
    assert values[9, 0].tolist() == [255, 255, 255] and values[10, 0].tolist() == [0, 10, 255]
    assert as_input(Image.new("RGB", (7, 9)), 4).shape == (4, 4, 3)


@pytest.mark.parametrize(
    ("shape", "side"), [(["batch", 448, 448, 3], 448), ([None, "h", "w", 3], 448), ([1, 8, 8, 3], 8)]
)
def test_the_side_is_that_of_the_model_s_input(shape, side):
    assert side_of(shape) == side


def test_a_model_of_another_layout_or_with_another_table_is_a_sentence(place, tagged):
    with pytest.raises(FileFormatError, match="is expected"):
        side_of(["batch", 3, 448, 448])
    (place / "wd14" / "mine" / "selected_tags.csv").write_text("tag_id,name,category\n1,a,0\n", encoding="utf-8")
    with pytest.raises(FileFormatError, match="do not belong"):
        tagged((255, 0, 0))
    (place / "wd14" / "mine" / "selected_tags.csv").write_text("name;kind\n", encoding="utf-8")
    assert read_labels(place / "wd14" / "mine" / "selected_tags.csv") == []
    (place / "wd14" / "mine" / "selected_tags.csv").write_text("name,kind\na,b\n", encoding="utf-8")
    with pytest.raises(FileFormatError, match="no table"):
        tagged((255, 0, 0))


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("long_hair", "long hair"),
        (">_<", ">_<"),
        ("o_o", "o_o"),
        ("^_^", "^_^"),
        ("x-ray_2", "x-ray 2"),
        ("1girl", "1girl"),
    ],
)
def test_underscores_become_spaces_but_for_faces(tag, text):
    assert readable(tag) == text


def test_what_is_missing_is_named(tmp_path, place, monkeypatch):
    monkeypatch.setattr(room.importlib.util, "find_spec", lambda name: None)
    assert "onnxruntime" in Wd14Tagger(Settings(place)).missing()
    monkeypatch.setattr(room.importlib.util, "find_spec", lambda name: object())
    assert Wd14Tagger(Settings(place)).missing() is None
    assert Wd14Tagger(Settings(place)).models() == ["mine"]
    assert str(tmp_path / "empty" / "wd14") in Wd14Tagger(Settings(tmp_path / "empty")).missing()
