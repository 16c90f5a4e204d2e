import pytest
from PIL import Image

from .colours import COLOURS, colour_clip


@pytest.fixture
def folder(tmp_path):
    """A folder with a picture of each colour: red.png, green.png and, in a folder below, blue.jpg."""
    place = tmp_path / "pictures"
    (place / "more").mkdir(parents=True)
    for name, file in (("red", "red.png"), ("green", "green.png"), ("blue", "more/blue.jpg")):
        Image.new("RGB", (48, 32), COLOURS[name]).save(place / file)
    return place


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory):
    """A folder of captioning in which a CLIP lies that knows three colours, and a vocabulary of them."""
    place = tmp_path_factory.mktemp("captioners")
    colour_clip(place / "clip" / "colours")
    return place
