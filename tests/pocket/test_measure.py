"""The checker reads drawings without error, also blurred ones, and is not fooled by wrong ones."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from PIL import Image, ImageFilter

from lora_trainer.pocket.draw import draw
from lora_trainer.pocket.grammar import Object, Scene, random_scene
from lora_trainer.pocket.measure import measure, share_right


def named(scene):
    return replace(scene, variation=0)


@pytest.mark.parametrize("objects", [1, 2])
def test_drawings_are_read_back(objects):
    rng = Random(objects)
    scenes = [random_scene(rng, objects, None) for _ in range(30)]
    right = share_right(scenes, map(draw, scenes))
    assert min(right.color, right.background, right.shape, right.size, right.place, right.texture) >= 0.96


def test_blur_and_noise_as_an_autoencoder_leaves_them_do_no_harm():
    rng, noise = Random(7), np.random.default_rng(7)
    scenes = [random_scene(rng) for _ in range(30)]
    pictures = []
    for scene in scenes:
        blurred = np.asarray(draw(scene).filter(ImageFilter.GaussianBlur(1.2)), float)
        pictures.append(Image.fromarray((blurred + noise.normal(0, 8, blurred.shape)).clip(0, 255).astype(np.uint8)))
    right = share_right(scenes, pictures)
    assert min(right.color, right.background, right.shape, right.size, right.place) >= 0.96


def test_another_scene_than_the_one_asked_for_counts_as_wrong():
    asked = Scene((Object("circle", "red", "large", "left"),), "blue", "striped")
    drawn = Scene((Object("star", "green", "small", "right"),), "white", "dotted")
    right = share_right([asked], [draw(drawn)])
    assert (right.color, right.background, right.shape, right.size, right.place, right.texture) == (0,) * 6


def test_an_empty_picture_has_a_background_and_no_object():
    seen = measure(draw(Scene((), "cyan")))
    assert (seen.background, seen.objects) == ("cyan", ())


def test_larger_pictures_are_read_as_well():
    scene = random_scene(Random(11))
    assert named(measure(draw(scene, 128))) == named(scene)
