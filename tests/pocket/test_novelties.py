"""What lessons teach is found where it is drawn, and nowhere in the base's own pictures."""

from random import Random

import pytest
from PIL import Image, ImageFilter

from lora_trainer.pocket.bands import Bands, draw_bands
from lora_trainer.pocket.draw import draw
from lora_trainer.pocket.grammar import COLORS, Object, Scene, random_scene
from lora_trainer.pocket.halves import Halves, draw_halves
from lora_trainer.pocket.lesson import NOVELTIES
from lora_trainer.pocket.novelty import write_examples

every_novelty = pytest.mark.parametrize("novelty", NOVELTIES, ids=lambda novelty: novelty.word)


@every_novelty
def test_every_example_shows_it_and_its_caption_says_so(novelty, tmp_path):
    write_examples(novelty, tmp_path / "set")
    pictures = [Image.open(file) for file in sorted((tmp_path / "set").glob("*.png"))]
    assert len(pictures) == 12
    assert all(map(novelty.shows, pictures))
    assert all(novelty.word in file.read_text(encoding="utf-8") for file in (tmp_path / "set").glob("*.txt"))


@every_novelty
def test_the_grammar_has_nothing_like_it(novelty):
    rng = Random(1)
    assert not any(novelty.shows(draw(random_scene(rng, 1 + i % 2))) for i in range(40))


@every_novelty
def test_prompts_ask_for_it_by_its_word_in_different_surroundings(novelty):
    prompts = novelty.prompts(12)
    assert len(set(prompts)) == 12
    assert all(novelty.word in prompt for prompt in prompts)


@pytest.mark.parametrize("novelty, picture", [
    (Halves(), draw_halves("blue", "top left")),
    (Bands(), draw_bands("blue")),
], ids=["halves", "bands"])  # fmt: skip
def test_blurred_ones_are_found_too(novelty, picture):
    assert novelty.shows(picture.filter(ImageFilter.GaussianBlur(1.5)))


def test_halves_the_wrong_way_round_are_not_it():
    assert not Halves().shows(draw_halves("blue").transpose(Image.Transpose.ROTATE_90))
    assert not Halves().shows(draw(Scene((Object("circle", "pink", "large"),), "green")))


def test_bands_that_fall_instead_of_rising_are_not_it():
    assert not Bands().shows(draw_bands("blue").transpose(Image.Transpose.ROTATE_90))


def test_bands_in_any_colour_are_found():
    assert all(Bands().shows(draw_bands(color)) for color in COLORS)


def test_examples_differ_and_stay_the_same_from_the_same_seed():
    first, again, other = (Halves().example(1, Random(seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
