"""What was decided about pictures lies beside them, is obeyed everywhere, and changes nothing where there is none."""

from __future__ import annotations

import json

import pytest
import torch
from PIL import Image

from lora_trainer.data import framing, pictures, pixels
from lora_trainer.data.cache import content_key
from lora_trainer.data.marks import (
    MARKS_FILE,
    NO_MARKS,
    WHOLE,
    Box,
    Marks,
    MarksBook,
    change_marks,
    marks_from,
    marks_of,
)
from lora_trainer.data.plan import RunPlan, Variant
from lora_trainer.data.scan import scan
from lora_trainer.errors import DataError

from .drawing import BLUE, RED, draw, options, record
from .test_loader import loader, prepared


def mark(picture, **values):
    change_marks({picture: Marks(**values)})
    return picture


def test_marks_are_read_as_they_were_written(tmp_path):
    marks = Marks(True, 6, Box.of([0, 0.125, 1, 0.75]), Box.of([0.1, 0.2, 0.3, 0.4]), False)
    change_marks({tmp_path / "a.png": marks, tmp_path / "b.png": Marks(flip=False)})
    book = MarksBook()
    assert book(tmp_path / "a.png") == marks and not book(tmp_path / "b.png").flip
    assert book(tmp_path / "c.png") == NO_MARKS and not book.damaged


def test_a_file_in_which_nothing_is_left_is_removed(tmp_path):
    mark(tmp_path / "a.png", excluded=True)
    assert (tmp_path / MARKS_FILE).exists()
    mark(tmp_path / "a.png")
    assert not (tmp_path / MARKS_FILE).exists()


def test_what_others_wrote_is_passed_over_and_kept(tmp_path):
    later = {
        "version": 7,
        "palette": [1],
        "pictures": {"a.png": {"excluded": "yes", "stars": 5, "crop": [1, 2]}, "b.png": 3},
    }
    (tmp_path / MARKS_FILE).write_text(json.dumps(later), encoding="utf-8-sig")
    book = MarksBook()
    assert book(tmp_path / "a.png") == book(tmp_path / "b.png") == NO_MARKS and not book.damaged
    mark(tmp_path / "a.png", excluded=True)
    kept = json.loads((tmp_path / MARKS_FILE).read_text(encoding="utf-8"))
    assert kept["version"] == 7 and kept["palette"] == [1]
    assert kept["pictures"]["a.png"] == {"excluded": True, "stars": 5}


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe\x00", b"[" * 100_000])
def test_a_damaged_file_is_told_and_put_aside_when_written(tmp_path, content):
    draw(tmp_path / "a.png")
    (tmp_path / MARKS_FILE).write_bytes(content)
    (problem,) = scan(options(tmp_path)).problems
    assert problem.path.name == MARKS_FILE and not problem.left_out and "cannot be read" in problem.reason
    mark(tmp_path / "a.png", flip=False)
    assert (tmp_path / f"{MARKS_FILE}.damaged").read_bytes() == content
    assert not MarksBook()(tmp_path / "a.png").flip


def test_names_with_accents_are_found_in_both_spellings(tmp_path):
    mark(tmp_path / "cafe\u0301.png", excluded=True)
    assert MarksBook()(tmp_path / "caf\u00e9.png").excluded


@pytest.mark.parametrize(
    "values",
    [
        {"crop": [0, 0, 1]},
        {"crop": [0, 0, 0, 1]},
        {"crop": [float("nan"), 0, 1, 1]},
        {"border": [1.5, 0, 1, 1]},
        {"orientation": 9},
        {"orientation": True},
        {"excluded": "yes"},
        {"stars": 5},
    ],
)
def test_a_wrong_value_is_refused_when_it_is_given_and_passed_over_when_it_is_read(values):
    with pytest.raises(DataError):
        marks_of(values)
    assert marks_from(values) == NO_MARKS


def test_what_is_left_out_or_null_is_undecided():
    assert marks_of({}) == marks_of({"crop": None, "excluded": False, "flip": True, "orientation": 0}) == NO_MARKS
    assert marks_of({"crop": [0.5, 0.5, 0.9, 0.9]}).crop == Box(WHOLE // 2, WHOLE // 2, WHOLE // 2, WHOLE // 2)


def test_an_excluded_picture_is_left_out_and_said(tmp_path):
    draw(tmp_path / "a.png", caption="a")
    mark(draw(tmp_path / "sub" / "b.png", caption="b"), excluded=True)
    data_set = scan(options(tmp_path))
    assert [picture.name for picture in data_set.pictures] == ["a.png"]
    assert [(problem.path.name, problem.left_out) for problem in data_set.problems] == [("b.png", True)]
    mark(tmp_path / "a.png", excluded=True)
    with pytest.raises(DataError, match="was excluded"):
        scan(options(tmp_path))


def test_a_picture_without_marks_has_the_key_and_the_plan_that_it_always_had(tmp_path):
    draw(tmp_path / "a.png", (64, 200), caption="a")
    draw(tmp_path / "b.png", caption="b")
    before = loader(options(tmp_path, flip=True))
    picture, variant = before.plan.pictures[0], Variant(0, 0, True)
    corner = pixels.crop_corner(pixels.scaled_size(picture.size, picture.bucket), picture.bucket, (0.5, 0.5))
    assert before.key(variant) == content_key(
        "latents", picture=picture.digest, bucket=picture.bucket, corner=corner, flip=True, vae="vae"
    )
    mark(tmp_path / "b.png", crop=Box.of([0, 0, 0.5, 0.5]))
    after = loader(options(tmp_path, flip=True))
    assert after.key(variant) == before.key(variant)
    assert after.plan.fingerprint != before.plan.fingerprint
    assert [b.items for b in after.plan.epoch(0)] == [b.items for b in before.plan.epoch(0)]


def test_a_moved_crop_shows_that_part_under_another_key(tmp_path):
    path = draw(tmp_path / "wide.png", (64, 192))  # its upper left is blue, the rest red
    data = options(tmp_path, buckets=False)
    centred = loader(data)
    mark(path, crop=Box.of([2 / 3, 0, 1 / 3, 1]))
    right = loader(data)
    variant = Variant(0, 0, False)
    assert right.key(variant) != centred.key(variant)
    shown = ((right.read(variant) + 1) * 127.5).round()
    assert torch.equal(shown, torch.tensor(RED).float().view(3, 1, 1).expand(3, 64, 64))
    assert right.size(variant).crop == (0, 128)
    mark(path, crop=Box.of([0, 0, 1 / 3, 1]))
    left = loader(data)
    assert tuple(((left.read(variant)[:, 0, 0] + 1) * 127.5).round().int().tolist()) == BLUE


def test_a_moved_crop_is_the_only_one_of_its_picture(tmp_path):
    path = draw(tmp_path / "wide.png", (64, 256))
    data = options(tmp_path, buckets=False, crop="random")
    assert len({loader(data).key(Variant(0, crop, False)) for crop in range(4)}) == 4
    mark(path, crop=Box.of([0.5, 0, 0.25, 1]))
    assert len({loader(data).key(Variant(0, crop, False)) for crop in range(4)}) == 1


def test_a_smaller_crop_brings_the_picture_nearer():
    marks = Marks(crop=Box.of([0.5, 0.5, 0.25, 0.25]))
    picture = record("a", (64, 64), marks=marks)
    assert framing.scaled_size(picture) == (256, 256) and framing.corner(picture, 0) == (128, 128)
    assert framing.window(picture) == marks.crop and framing.growth(picture) == 4


@pytest.mark.parametrize("box", [[0, 0, 1, 1], [0, 0, 0.01, 0.01], [0.99, 0.99, 0.01, 0.01], [0.3, 0, 0.2, 1]])
@pytest.mark.parametrize("size", [(64, 64), (100, 900), (333, 77)])
def test_the_window_always_lies_inside_the_picture(box, size):
    picture = record("a", (128, 64), marks=Marks(crop=Box.of(box)))
    picture = type(picture)(**{**vars(picture), "size": size})
    scaled, (top, left) = framing.scaled_size(picture), framing.corner(picture, 0)
    assert top >= 0 and left >= 0 and top + 128 <= scaled[0] and left + 64 <= scaled[1]


def test_a_default_window_that_is_kept_changes_nothing():
    for size in [(64, 200), (511, 340), (1000, 707), (85, 64)]:
        plain = type(record("a"))(**{**vars(record("a")), "size": size})
        kept = type(plain)(**{**vars(plain), "marks": Marks(crop=framing.window(plain))})
        assert framing.scaled_size(kept) == framing.scaled_size(plain)
        assert all(abs(a - b) <= 1 for a, b in zip(framing.corner(kept, 0), framing.corner(plain, 0)))


def test_a_cut_border_is_not_shown_and_gives_its_shape_to_the_bucket(tmp_path):
    path = tmp_path / "film.png"
    film = Image.new("RGB", (128, 192), (0, 0, 0))
    film.paste(RED, (0, 64, 128, 128))
    film.save(path)
    mark(path, border=Box.of([0, 1 / 3, 1, 1 / 3]))
    made = loader(options(tmp_path, resolution=128))
    assert made.plan.pictures[0].size == (64, 128) and made.plan.pictures[0].bucket == (64, 192)
    shown = ((made.read(Variant(0, 0, False)) + 1) * 127.5).round()
    assert torch.equal(shown, torch.tensor(RED).float().view(3, 1, 1).expand_as(shown))


def test_a_mask_is_cut_as_its_picture(tmp_path):
    path = draw(tmp_path / "a.png", (64, 128))
    mask = Image.new("L", (128, 64), 0)
    mask.paste(255, (64, 0, 128, 64))
    mask.save(tmp_path / "a-mask.png")
    mark(path, border=Box.of([0.5, 0, 0.5, 1]))
    (weights,) = prepared(options(tmp_path, masks=True)).batch(0).mask
    assert weights.min() == 1


def turned(path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.open(draw(path, (64, 192))).save(path, exif=exif)
    return path


@pytest.mark.parametrize("own", range(1, 9))
@pytest.mark.parametrize("wanted", range(1, 9))
def test_an_orientation_takes_the_place_of_the_file_s_own(tmp_path, own, wanted):
    path = mark(turned(tmp_path / "a.png", own), orientation=wanted)
    other = turned(tmp_path / "other" / "b.png", wanted)
    data_set = scan(options(tmp_path, resolution=128))
    one, two = data_set.pictures
    assert (one.size, one.bucket) == (two.size, two.bucket)
    assert pictures.read(path, wanted).rgb.tobytes() == pictures.read(other).rgb.tobytes()


def test_a_picture_is_not_mirrored_where_that_was_forbidden(tmp_path):
    for number in range(6):
        draw(tmp_path / f"{number}.png", caption="x")
    mark(tmp_path / "2.png", flip=False)
    mark(tmp_path / "3.png", flip=False)
    data = options(tmp_path, flip=True)
    plan = RunPlan(scan(data).pictures, data, seed=1, epochs=8, steps=0, accumulation=1)
    flipped = {item.picture for epoch in range(8) for batch in plan.epoch(epoch) for item in batch.items if item.flip}
    assert flipped == {0, 1, 4, 5}


def test_a_glance_says_what_inspecting_says_at_a_fraction_of_the_size(tmp_path):
    path = draw(tmp_path / "a.jpg", (800, 1200))
    facts, upright = pictures.glance(path, 200 * 300)
    assert facts == pictures.inspect(path)
    assert upright.rgb.size == (300, 200)
    with pytest.raises(pictures.UnreadablePicture):
        pictures.glance(tmp_path / "none.png", 100)
