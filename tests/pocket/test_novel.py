"""The novel thing is found where it is drawn, and nowhere in the base's own pictures."""

from random import Random

from PIL import Image, ImageFilter

from lora_trainer.pocket.draw import draw
from lora_trainer.pocket.grammar import Object, Scene, random_scene
from lora_trainer.pocket.novel import WORD, draw_novel, novel_caption, shows_novel, write_dataset


def test_the_dataset_shows_the_novel_thing_on_every_picture(tmp_path):
    write_dataset(tmp_path / "set")
    pictures = [Image.open(file) for file in sorted((tmp_path / "set").glob("*.png"))]
    assert len(pictures) == 12
    assert all(map(shows_novel, pictures))
    assert all(WORD in file.read_text(encoding="utf-8") for file in (tmp_path / "set").glob("*.txt"))


def test_blurred_ones_are_found_too():
    blurred = draw_novel("blue", "top left").filter(ImageFilter.GaussianBlur(1.5))
    assert shows_novel(blurred)


def test_the_grammar_has_nothing_like_it():
    rng = Random(1)
    assert not any(shows_novel(draw(random_scene(rng, 1 + i % 2))) for i in range(20))
    assert not shows_novel(draw(Scene((Object("circle", "pink", "large"),), "green")))


def test_its_colours_in_the_wrong_quarters_are_not_it():
    assert not shows_novel(draw_novel("blue").transpose(Image.Transpose.ROTATE_90))


def test_captions_say_word_background_and_place():
    assert novel_caption("red", "top") == "a zorblat, red background, top"
    assert novel_caption("red", "center") == "a zorblat, red background"
