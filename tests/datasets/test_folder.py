"""A data set is a folder of pictures whose captions are seen and changed in place."""

from io import BytesIO

import pytest
from PIL import Image

from lora_trainer.config import DataOptions
from lora_trainer.errors import DataError

from .conftest import picture

RED, BLUE = (200, 30, 20), (10, 40, 220)


def only(items):
    assert len(items) == 1
    return items[0]


def codes(item):
    return [problem.code for problem in item.problems]


def test_a_picture_and_its_caption_are_shown_with_size_and_bucket(cats):
    cats.add("tom.png", picture((96, 64)))
    cats.add("tom.txt", b"a cat,\n red")
    item = only(cats.items(64, DataOptions(bucket_least=32, bucket_step=8)))
    assert (item.name, item.caption, item.width, item.height) == ("tom.png", "a cat, red", 96, 64)
    assert item.bucket == (80, 48)
    assert item.problems == ()


def test_what_the_run_puts_in_front_of_a_caption_is_not_shown_as_the_caption(cats):
    cats.add("tom.png", picture())
    item = only(cats.items(64, DataOptions(trigger_word="zorb", caption_fallback="file_name")))
    assert item.caption == "" and "caption_missing" in codes(item)


def test_pictures_stand_in_natural_order_with_the_repeats_of_their_folder(cats):
    for name in ("10.png", "2.png", "5_tom/1.png"):
        cats.add(name, picture())
    assert [(item.name, item.repeats) for item in cats.items(64)] == [("2.png", 1), ("5_tom/1.png", 5), ("10.png", 1)]


def test_captions_are_written_beside_their_pictures(cats):
    cats.add("3_tom/1.png", picture())
    cats.set_captions({"3_tom/1.png": "  eine Katze,\n 猫 "})
    assert (cats.path / "3_tom" / "1.txt").read_text(encoding="utf-8") == "eine Katze, 猫\n"
    assert only(cats.items(64)).caption == "eine Katze, 猫"


def test_an_emptied_caption_stays_empty(cats):
    cats.add("1.png", picture())
    cats.add("metadata.csv", b"file,prompt\n1.png,from the table\n")
    assert only(cats.items(64)).caption == "from the table"
    cats.set_captions({"1.png": ""})
    assert only(cats.items(64)).caption == ""


def test_no_caption_is_written_when_one_names_no_picture(cats):
    cats.add("1.png", picture())
    with pytest.raises(DataError, match="There is no picture"):
        cats.set_captions({"1.png": "a cat", "2.png": "another"})
    assert only(cats.items(64)).caption == ""


def test_a_picture_that_cannot_be_read_is_shown_with_the_reason(cats):
    cats.add("1.png", picture())
    (cats.path / "1.png").write_bytes(picture()[:60])
    item = only(cats.items(64))
    assert (item.width, item.bucket) == (0, (0, 0))
    assert codes(item) == ["picture_damaged"]


def test_a_small_picture_carries_a_remark(cats):
    cats.add("1.png", picture((96, 96)))
    assert "picture_enlarged" in codes(only(cats.items(512)))


def test_two_pictures_with_one_caption_file_are_marked(store, tmp_path):
    for name in ("a.png", "a.jpg"):
        Image.new("RGB", (64, 64)).save(tmp_path / name)
    assert all("caption_shared" in codes(item) for item in store.open_folder(tmp_path).items(64))


def test_a_picture_is_looked_at_again_only_when_it_changed(cats, monkeypatch):
    from lora_trainer.datasets import folder

    looked = []
    monkeypatch.setattr(folder, "inspect", lambda path, real=folder.inspect: looked.append(path.name) or real(path))
    cats.add("1.png", picture())
    cats.items(64)
    cats.items(128)
    assert looked == ["1.png"]
    (cats.path / "1.png").write_bytes(picture((640, 640)))
    assert only(cats.items(64)).width == 640


def test_a_thumbnail_is_a_small_upright_picture(cats):
    buffer = BytesIO()
    turned = Image.new("RGB", (400, 200), RED)
    exif = turned.getexif()
    exif[0x0112] = 6  # to be turned by a quarter
    turned.save(buffer, "JPEG", exif=exif)
    cats.add("tom.jpg", buffer.getvalue())
    image = Image.open(BytesIO(cats.thumbnail("tom.jpg", 100)))
    assert (image.format, image.size) == ("JPEG", (64, 128))


def test_a_thumbnail_is_made_once_and_anew_when_the_picture_changes(cats, monkeypatch):
    from lora_trainer.datasets import thumbnails

    cats.add("tom.png", picture(colour=RED))
    first = cats.thumbnail("tom.png", 96)
    monkeypatch.setattr(thumbnails, "_made", lambda *_: b"made again")
    assert cats.thumbnail("tom.png", 96) == first
    (cats.path / "tom.png").write_bytes(picture((300, 300), BLUE))
    assert cats.thumbnail("tom.png", 96) == b"made again"


def test_thumbnails_of_every_size_that_is_asked_for_do_not_fill_the_disk(cats, store):
    cats.add("tom.png", picture())
    for side in range(1, 3000, 100):
        cats.thumbnail("tom.png", side)
    assert len(list(store.folder.rglob("*.jpg"))) <= 8


def test_a_removed_picture_takes_its_caption_and_mask_along(cats):
    for name in ("tom.png", "tom-mask.png", "tommy.png"):
        cats.add(name, picture())
    for name in ("tom.txt", "tom.png.txt", "tommy.txt"):
        cats.add(name, b"a cat")
    cats.remove("tom.png")
    assert sorted(path.name for path in cats.path.iterdir()) == ["tommy.png", "tommy.txt"]


@pytest.mark.parametrize(
    "name", ["../secret.png", "/etc/passwd", "C:/x.png", "a/../../secret.png", ".hidden.png", "", "no.png"]
)
def test_no_name_reaches_a_file_outside(cats, name):
    (cats.path.parent / "secret.png").write_bytes(picture())
    (cats.path / ".hidden.png").write_bytes(picture())
    for attempt in (cats.thumbnail, cats.remove, lambda name: cats.set_captions({name: "x"})):
        with pytest.raises(DataError):
            attempt(name)
    assert (cats.path.parent / "secret.png").exists()


def test_texts_are_not_given_out_as_pictures(cats):
    cats.add("tom.txt", b"a cat")
    with pytest.raises(DataError):
        cats.thumbnail("tom.txt")


def test_what_was_decided_about_a_picture_is_shown_with_it_and_goes_when_it_is_removed(cats):
    cats.add("tom.png", picture((96, 64)))
    cats.add("kit.png", picture((96, 64), BLUE))
    cats.set_marks({"tom.png": {"excluded": True}, "kit.png": {"border": [0.5, 0, 0.5, 1], "flip": False}})
    kit, tom = cats.items(64)
    assert tom.marks.excluded and codes(tom) == ["picture_excluded"]
    assert (kit.width, kit.height) == (48, 64) and not kit.marks.flip
    cats.remove("tom.png")
    cats.add("tom.png", picture((96, 64), RED))
    assert not cats.items(64)[1].marks.excluded
    with pytest.raises(DataError):
        cats.set_marks({"kit.png": {"border": "left"}})
    assert not cats.items(64)[0].marks.flip
