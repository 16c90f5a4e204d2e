"""What pocket knows: scenes of coloured shapes on a background, and the captions that describe them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from random import Random

COLORS: dict[str, tuple[int, int, int]] = {
    "red": (220, 30, 30),
    "orange": (250, 140, 20),
    "yellow": (250, 225, 40),
    "green": (30, 160, 50),
    "cyan": (40, 205, 220),
    "blue": (30, 60, 215),
    "purple": (130, 40, 180),
    "pink": (250, 150, 195),
    "brown": (120, 70, 30),
    "white": (245, 245, 245),
    "gray": (128, 128, 128),
    "black": (20, 20, 20),
}
SHAPES = ("circle", "square", "triangle", "diamond", "star", "cross", "ring", "heart", "moon")
SIZES = ("small", "medium", "large")
PLACES = ("top left", "top", "top right", "left", "center", "right", "bottom left", "bottom", "bottom right")
PLAIN = "plain"
TEXTURES = ("striped", "dotted", "checkered", "shaded")

# Two small objects stand at opposite places, so that they never touch; the word says where the first one is.
PAIRS = (
    ("left", "right", "left of"),
    ("right", "left", "right of"),
    ("top", "bottom", "above"),
    ("bottom", "top", "below"),
)


@dataclass(frozen=True)
class Object:
    """One shape of one colour: the words of the grammar for its size and its place in the picture."""

    shape: str
    color: str
    size: str = "medium"
    place: str = "center"


@dataclass(frozen=True)
class Scene:
    """One or two objects on a background; `variation` seeds the small differences between pictures of one scene."""

    objects: tuple[Object, ...]
    background: str
    texture: str = PLAIN
    variation: int = 0


def is_held_out(scene: Scene) -> bool:
    """Whether the scene shows one of the tenth of the (shape, colour, background) combinations never trained on."""
    return any(_tenth(f"{o.shape}/{o.color}/{scene.background}") for o in scene.objects)


def _tenth(text: str) -> bool:
    # A hash of the words instead of a drawn list: the same tenth on every machine, whatever is added to the grammar.
    return int.from_bytes(hashlib.sha256(f"pocket/{text}".encode()).digest()[:4], "big") % 10 == 0


def random_scene(rng: Random, objects: int = 1, held_out: bool | None = False) -> Scene:
    """Draws a scene of one or two objects; `held_out` True, False or None (either) chooses the side of the split."""
    while True:
        scene = _any_scene(rng, objects)
        if held_out is None or is_held_out(scene) == held_out:
            return scene


def _any_scene(rng: Random, objects: int) -> Scene:
    background = rng.choice(tuple(COLORS))
    others = [color for color in COLORS if color != background]
    if objects == 1:
        things: tuple[Object, ...] = (
            Object(rng.choice(SHAPES), rng.choice(others), rng.choice(SIZES), rng.choice(PLACES)),
        )
    else:
        first, second, _ = rng.choice(PAIRS)
        things = tuple(Object(rng.choice(SHAPES), rng.choice(others), "small", place) for place in (first, second))
    texture = rng.choice((*TEXTURES, PLAIN, PLAIN, PLAIN, PLAIN))
    return Scene(things, background, texture, rng.randrange(1 << 30))


def caption(scene: Scene, rng: Random, complete: bool = False) -> str:
    """Describes the scene in one of several wordings; unless `complete`, size, place and texture may stay unsaid."""
    says_texture = complete or rng.random() < 0.9
    ground = f"{scene.background} background"
    if scene.texture != PLAIN and says_texture:
        ground = rng.choice((f"{scene.background} {scene.texture} background", f"{scene.texture} {ground}"))
    elif scene.texture == PLAIN and rng.random() < 0.15:
        ground = f"plain {ground}"
    if len(scene.objects) == 2:
        return _pair_caption(scene, ground, rng)
    thing = scene.objects[0]
    size = thing.size if complete or rng.random() < 0.8 else ""
    place = thing.place if complete or rng.random() < 0.8 else ""
    return _single_caption(thing, size, place, ground, rng)


def _single_caption(thing: Object, size: str, place: str, ground: str, rng: Random) -> str:
    name = f"{thing.color} {thing.shape}"
    sized = f"{size} {name}".strip()
    style = rng.randrange(5)
    if style == 0:
        tags = [tag for tag in (ground, size, place) if tag]
        rng.shuffle(tags)
        return ", ".join((name, *tags))
    where = rng.choice((f"in the {place}", f"at the {place}")) if place else ""
    if style == 1:
        return f"a {sized} {where}".strip() + f", {ground}"
    if style == 2:
        return f"a {sized} on a {ground}" + (f", {place}" if place else "")
    if style == 3:
        return f"{sized} {where}".strip() + f" on a {ground}"
    return f"{ground}, a {sized}" + (f" {where}" if where else "")


def _pair_caption(scene: Scene, ground: str, rng: Random) -> str:
    first, second = scene.objects
    relation = next(word for a, b, word in PAIRS if (a, b) == (first.place, second.place))
    size = f"{first.size} " if rng.random() < 0.4 else ""
    names = [f"{size}{o.color} {o.shape}" for o in scene.objects]
    style = rng.randrange(4)
    if style == 0:
        return f"{names[0]} {first.place}, {names[1]} {second.place}, {ground}"
    if style == 1:
        return f"a {names[0]} and a {names[1]}, {ground}"
    if style == 2:
        return f"a {names[0]} {relation} a {names[1]} on a {ground}"
    return f"a {names[0]} {relation} a {names[1]}, {ground}"


def words() -> tuple[str, ...]:
    """Every word that a caption of the grammar can hold, sorted."""
    said = {*COLORS, *SHAPES, *SIZES, *TEXTURES, PLAIN, "background", "a", "and", "in", "at", "on", "the", "of", ","}
    said.update(word for place in PLACES for word in place.split())
    said.update(word for *_, relation in PAIRS for word in relation.split())
    return tuple(sorted(said))
