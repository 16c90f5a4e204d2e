from __future__ import annotations

import hashlib
import os

import pytest

from lora_trainer.config import Folder
from lora_trainer.data.scan import scan, scanning
from lora_trainer.errors import DataError

from .drawing import draw, options


def names(data_set):
    return [picture.name for picture in data_set.pictures]


def test_pictures_are_found_in_subfolders_in_natural_order(tmp_path):
    for name in ("b10.png", "b2.jpg", "A1.webp", "sub/c.bmp", "sub/deeper/d.PNG"):
        draw(tmp_path / name)
    for name in (".hidden.png", ".cache/e.png", "__MACOSX/f.png", "notes.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"no picture")
    data_set = scan(options(tmp_path))
    assert names(data_set) == ["A1.webp", "b2.jpg", "b10.png", "sub/c.bmp", "sub/deeper/d.PNG"]
    assert not data_set.problems


def test_the_record_says_what_the_file_is(tmp_path):
    path = draw(tmp_path / "a.png", (128, 64), caption="a cat")
    (picture,) = scan(options(tmp_path, resolution=128)).pictures
    assert (picture.path, picture.name, picture.caption) == (path, "a.png", "a cat")
    assert (picture.size, picture.bucket) == ((128, 64), (192, 64))
    assert picture.digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_repeats_come_from_the_folder_name_unless_they_are_set(tmp_path):
    for name in ("10_red cat", "3_cat/more", "2024_summer", "plain"):
        draw(tmp_path / name / "a.png")
    assert [picture.repeats for picture in scan(options(tmp_path)).pictures] == [3, 10, 1, 1]
    assert [picture.repeats for picture in scan(options(tmp_path / "10_red cat")).pictures] == [10]
    assert {picture.repeats for picture in scan(options(Folder(str(tmp_path), repeats=5))).pictures} == {5}


def test_folders_keep_their_order_weight_and_purpose(tmp_path):
    for name in "ab":
        draw(tmp_path / name / "x.png")
    data = options(Folder(str(tmp_path / "b"), weight=0.5), Folder(str(tmp_path / "a"), regularization=True))
    assert [(p.path.parent.name, p.weight, p.regularization) for p in scan(data).pictures] == [
        ("b", 0.5, False),
        ("a", 1.0, True),
    ]


def test_a_folder_listed_twice_or_inside_another_counts_once(tmp_path):
    draw(tmp_path / "a.png")
    draw(tmp_path / "class" / "b.png")
    data = options(Folder(str(tmp_path)), Folder(str(tmp_path / "class"), regularization=True))
    assert [(p.name, p.regularization) for p in scan(data).pictures] == [("a.png", False), ("b.png", True)]


def link(path, target):
    try:
        path.symlink_to(target, target_is_directory=True)
    except OSError:
        pytest.skip("symbolic links need a privilege here")


def test_loops_of_links_end_and_linked_folders_count_once(tmp_path):
    draw(tmp_path / "real" / "a.png")
    link(tmp_path / "real" / "loop", tmp_path)
    link(tmp_path / "again", tmp_path / "real")
    link(tmp_path / "self", tmp_path / "self")
    assert names(scan(options(tmp_path))) == ["real/a.png"]


def test_a_mask_belongs_to_its_picture_and_is_none_itself(tmp_path):
    draw(tmp_path / "cat.jpg")
    mask = draw(tmp_path / "cat-mask.png")
    draw(tmp_path / "party-mask.png")
    data_set = scan(options(tmp_path))
    assert [(p.name, p.mask) for p in data_set.pictures] == [("cat.jpg", mask), ("party-mask.png", None)]


def test_what_cannot_be_read_is_named_with_its_reason_and_left_out(tmp_path):
    good = draw(tmp_path / "good.png")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "page.jpg").write_bytes(b"<html>")
    (tmp_path / "cut.png").write_bytes(good.read_bytes()[:-40])
    (tmp_path / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic")
    data_set = scan(options(tmp_path))
    assert names(data_set) == ["good.png"]
    reasons = {problem.path.name: problem.reason for problem in data_set.problems}
    assert reasons.keys() == {"empty.png", "page.jpg", "cut.png", "phone.heic"}
    assert "0 bytes" in reasons["empty.png"] and "damaged" in reasons["cut.png"]
    assert "not a picture" in reasons["page.jpg"] and "'.heic'" in reasons["phone.heic"]


@pytest.mark.skipif(os.name == "nt" or (hasattr(os, "geteuid") and os.geteuid() == 0), reason="nothing is forbidden")
def test_a_picture_that_may_not_be_read_is_named(tmp_path):
    draw(tmp_path / "good.png")
    draw(tmp_path / "secret.png").chmod(0)
    assert [problem.reason for problem in scan(options(tmp_path)).problems] == ["may not be read (permission denied)"]


def test_a_picture_too_small_is_left_out_without_upscaling_and_remarked_with_it(tmp_path):
    draw(tmp_path / "big.png", (300, 300))
    draw(tmp_path / "small.png", (50, 50))
    strict = scan(options(tmp_path, resolution=256, upscale=False))
    assert names(strict) == ["big.png"] and "50 x 50" in strict.problems[0].reason and strict.problems[0].left_out
    lenient = scan(options(tmp_path, resolution=256))
    assert names(lenient) == ["big.png", "small.png"]
    assert "5.1 times" in lenient.problems[0].reason and not lenient.problems[0].left_out


def test_missing_folders_are_all_named(tmp_path):
    file = draw(tmp_path / "a.png")
    with pytest.raises(DataError) as error:
        scan(options(tmp_path / "none", tmp_path, file))
    assert f"'{tmp_path / 'none'}' does not exist" in str(error.value)
    assert f"'{file}' is a file, not a folder" in str(error.value)


def test_no_folder_at_all_is_said():
    with pytest.raises(DataError, match=r"data\.folders"):
        scan(options())


def test_an_empty_folder_is_said(tmp_path):
    with pytest.raises(DataError, match="no pictures in"):
        scan(options(tmp_path))


def test_when_nothing_is_left_the_reasons_are_listed(tmp_path):
    for number in range(13):
        (tmp_path / f"{number}.png").write_bytes(b"")
    with pytest.raises(DataError) as error:
        scan(options(tmp_path))
    lines = str(error.value).splitlines()
    assert "None of the 13 pictures" in lines[0] and "0.png: is empty (0 bytes)" in lines[1]
    assert len(lines) == 12 and lines[-1] == "- and 3 more"


def test_regularization_alone_is_not_enough(tmp_path):
    draw(tmp_path / "a.png")
    with pytest.raises(DataError, match="regularization"):
        scan(options(Folder(str(tmp_path), regularization=True)))


def test_progress_counts_every_file(tmp_path):
    for number in range(3):
        draw(tmp_path / f"{number}.png")
    assert list(scanning(options(tmp_path))) == [(1, 3), (2, 3), (3, 3)]
