"""Drawings depend on the scene alone."""

from random import Random

import numpy as np

from lora_trainer.pocket.draw import draw
from lora_trainer.pocket.grammar import Object, Scene, random_scene


def test_the_same_scene_gives_the_same_picture():
    scene = random_scene(Random(1), 2)
    assert draw(scene).tobytes() == draw(scene).tobytes()


def test_variation_changes_a_picture_a_little():
    first, second = (draw(Scene((Object("star", "red"),), "blue", variation=v)) for v in (1, 2))
    difference = np.abs(np.asarray(first, int) - np.asarray(second, int))
    assert 0 < difference.mean() < 25


def test_outlines_are_antialiased():
    picture = np.asarray(draw(Scene((Object("circle", "black"),), "white")))
    between = (picture[..., 0] > 60) & (picture[..., 0] < 200)
    assert between.sum() > 30


def test_pictures_come_in_the_size_asked_for():
    assert draw(random_scene(Random(2)), 128).size == (128, 128)
