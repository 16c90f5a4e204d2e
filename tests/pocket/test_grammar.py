"""The grammar is as large as promised, and the held-out tenth is never trained on."""

from random import Random

from lora_trainer.pocket.grammar import (
    COLORS,
    PLACES,
    SHAPES,
    SIZES,
    TEXTURES,
    Object,
    Scene,
    caption,
    is_held_out,
    random_scene,
    words,
)


def test_the_grammar_has_the_promised_variety():
    assert len(SHAPES) >= 8
    assert len(COLORS) >= 10
    assert (len(SIZES), len(PLACES), len(TEXTURES)) == (3, 9, 4)


def test_about_a_tenth_of_the_combinations_is_held_out():
    every = [Scene((Object(s, c),), b) for s in SHAPES for c in COLORS for b in COLORS if b != c]
    assert 0.08 < sum(map(is_held_out, every)) / len(every) < 0.12


def test_the_split_depends_on_shape_colour_and_background_alone():
    scene = random_scene(Random(3), held_out=True)
    thing = scene.objects[0]
    moved = Scene((Object(thing.shape, thing.color, "large", "bottom"),), scene.background, "striped", 77)
    assert is_held_out(moved)


def test_random_scenes_stay_on_the_side_asked_for():
    rng = Random(1)
    assert all(is_held_out(random_scene(rng, 1, True)) for _ in range(50))
    assert not any(is_held_out(random_scene(rng, 2, False)) for _ in range(50))


def test_a_complete_caption_names_everything():
    rng = Random(2)
    for _ in range(200):
        scene = random_scene(rng)
        text, thing = caption(scene, rng, complete=True), scene.objects[0]
        said = (thing.shape, thing.color, thing.size, thing.place, f"{scene.background} ")
        assert all(part in text for part in said), text
        assert scene.texture == "plain" or scene.texture in text


def test_one_scene_is_worded_in_many_ways_all_in_known_words():
    rng, known = Random(4), set(words())
    scene = random_scene(rng)
    captions = {caption(scene, rng) for _ in range(100)}
    assert len(captions) > 20
    assert {word for text in captions for word in text.replace(",", " , ").split()} <= known
    pair = random_scene(rng, 2)
    assert {word for _ in range(50) for word in caption(pair, rng).replace(",", " , ").split()} <= known
