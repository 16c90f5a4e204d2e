"""Every check is provoked by one made picture or caption, and nothing else speaks up; a healthy set raises none."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from lora_trainer.config import Folder
from lora_trainer.errors import DataError
from lora_trainer.health import Looks, examine
from lora_trainer.health.checks import CHECKS

from .drawing import SIDE, WORD, add, blurred, drawn, framed, healthy_set, options


def concerned(finding):
    return [path.name for path in finding.pictures]


def kinds(finding):
    return [fix.kind for fix in finding.fixes]


def test_a_healthy_set_raises_nothing(found, folder):
    assert found() == {}
    assert examine(options(folder)).healthy


def test_every_check_is_provoked_in_this_file():
    text = Path(__file__).read_text(encoding="utf-8")
    assert not [name for name in CHECKS.names() if f'"{name}"' not in text]


def test_what_cannot_be_read_is_an_error(found, folder):
    (folder / "torn.png").write_bytes((folder / "1.png").read_bytes()[:300])
    (folder / "torn.txt").write_text(f"{WORD}, torn", encoding="utf-8")
    found = found()
    assert found.keys() == {"unreadable"}
    assert found["unreadable"].severity == "error" and concerned(found["unreadable"]) == ["torn.png"]
    assert "1 of 11" in found["unreadable"].sentence and "damaged" in next(iter(found["unreadable"].pictures.values()))
    assert not examine(options(folder)).healthy


def test_a_picture_that_was_turned_by_its_camera_is_shown_for_a_look(found, folder):
    exif = Image.Exif()
    exif[0x0112] = 6
    add(folder, "phone.jpg", drawn(50, (300, 220)), exif=exif, quality=95)
    found = found()
    assert found.keys() == {"orientation"} and found["orientation"].severity == "hint"
    assert concerned(found["orientation"]) == ["phone.jpg"]


def test_a_table_that_names_what_is_not_there_is_told(found, folder):
    (folder / "metadata.csv").write_text("file,prompt\ngone.png,a cat\n", encoding="utf-8")
    found = found()
    assert found.keys() == {"tables"} and "not there" in next(iter(found["tables"].pictures.values()))


def test_marks_that_cannot_be_read_are_told(found, folder):
    (folder / ".train-lora.json").write_text("{", encoding="utf-8")
    assert found().keys() == {"tables"}


@pytest.mark.parametrize(("side", "severity"), [(90, "warning"), (170, "hint")])
def test_a_small_picture_is_told_with_its_enlargement(found, folder, side, severity):
    add(folder, "small.png", drawn(51, (side, side)))
    found = found()
    assert found.keys() == {"enlarged"} and found["enlarged"].severity == severity
    assert f"{round(SIDE / side, 1)} times" in next(iter(found["enlarged"].pictures.values()))


def test_a_picture_that_is_left_out_for_its_size_is_told(found, folder):
    add(folder, "tiny.png", drawn(51, (60, 60)))
    found = found(upscale=False)
    assert found.keys() == {"too_small"}
    assert found["too_small"].fixes[0].options == {"data.upscale": True}


def test_a_strip_is_told(found, folder):
    add(folder, "panorama.png", drawn(52, (1200, 300)))
    found = found()
    assert found.keys() == {"aspect"} and concerned(found["aspect"]) == ["panorama.png"]


def test_what_a_square_cuts_off_is_told(found, folder):
    add(folder, "wide.png", drawn(53, (500, 300)))
    assert not found()
    found = found(buckets=False)
    assert found.keys() == {"cut_off"} and "40 %" in next(iter(found["cut_off"].pictures.values()))
    assert found["cut_off"].fixes[0].options == {"data.buckets": True}


def test_a_blurred_picture_is_told(found, folder):
    add(folder, "soft.png", blurred(drawn(54)))
    found = found()
    assert found.keys() == {"blurred"} and concerned(found["blurred"]) == ["soft.png"]


@pytest.mark.parametrize(("across", "down"), [(0, 40), (60, 0), (24, 24)])
@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (30, 90, 140)])
def test_a_border_is_told(found, folder, across, down, colour):
    add(folder, "film.jpg", framed(drawn(55, (420, 300)), across, down, colour), quality=90)
    found = found()
    assert found.keys() == {"borders"} and concerned(found["borders"]) == ["film.jpg"]


def test_transparency_is_told_unless_it_is_a_mask(found, folder):
    image = drawn(56).convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, SIDE, SIDE // 4))
    add(folder, "cutout.png", image)
    assert found(masks=True) == {}
    found = found()
    assert found.keys() == {"transparency"} and "25 %" in next(iter(found["transparency"].pictures.values()))


def test_a_copy_is_told_with_its_original(found, folder):
    add(folder, "again.png", drawn(3))
    found_here = found()
    assert found_here.keys() == {"copies"} and concerned(found_here["copies"]) == ["again.png"]
    assert "3.png" in next(iter(found_here["copies"].pictures.values()))
    assert kinds(found_here["copies"]) == ["exclude"]
    assert kinds(found(may_delete=True)["copies"]) == ["exclude", "delete"]


def test_of_the_same_picture_in_two_sizes_the_smaller_is_the_copy(found, folder):
    add(folder, "large.jpg", drawn(3).resize((400, 400), Image.Resampling.LANCZOS), quality=80)
    found = found()
    assert found.keys() == {"near_copies"} and concerned(found["near_copies"]) == ["3.png"]


def test_copies_of_which_one_is_called_something_else_are_told_with_what_is_said(found, folder):
    (folder / "3.txt").write_text(f"{WORD}, red ball on a table", encoding="utf-8")
    add(folder, "again.png", drawn(3), caption=f"{WORD}, blue ball on a table")
    found = found()
    assert found.keys() == {"copies", "captions_contradict"}
    told = found["captions_contradict"]
    assert {*concerned(told)} == {"3.png", "again.png"} and "2 of 11" in told.sentence
    assert any("again.png: 'blue ball" in detail or "blue ball" in detail for detail in told.pictures.values())


def test_pictures_of_one_shape_in_two_colours_are_no_contradiction(found, folder):
    for colour, rgb in (("pink", (250, 150, 195)), ("white", (245, 245, 245))):
        image = drawn(70)
        add(
            folder,
            f"{colour}.png",
            Image.blend(image, Image.new("RGB", image.size, rgb), 0.7),
            caption=f"{WORD}, {colour} ball on it",
        )
    assert "captions_contradict" not in found()


def test_missing_captions_weigh_less_where_a_trigger_word_stands_for_them(found, folder):
    add(folder, "bare.png", drawn(57), caption=None)
    (folder / "4.txt").write_text("", encoding="utf-8")
    with_word, without = found(), found(trigger_word="")
    assert with_word.keys() == without.keys() == {"captions_missing"}
    assert concerned(without["captions_missing"]) == ["4.png", "bare.png"]
    assert (with_word["captions_missing"].severity, without["captions_missing"].severity) == ("hint", "warning")
    assert kinds(with_word["captions_missing"]) == ["fill_captions"] and not kinds(without["captions_missing"])


def test_captions_that_are_the_same_everywhere_are_told(found, folder):
    for file in folder.glob("*.txt"):
        file.write_text(f"{WORD}, a drawing", encoding="utf-8")
    assert found().keys() == {"captions_equal"}
    (folder / "0.txt").write_text(f"{WORD}, another drawing", encoding="utf-8")
    assert found() == {}


def test_captions_without_the_trigger_word_are_told(found, folder):
    (folder / "2.txt").write_text("a drawing of shapes", encoding="utf-8")
    assert found(trigger_word="") == {}
    found = found()
    assert found.keys() == {"trigger_missing"} and concerned(found["trigger_missing"]) == ["2.png"]


def test_a_caption_that_two_pictures_share_is_told(found, folder):
    add(folder, "7.jpg", drawn(58), quality=95)
    assert found().keys() == {"captions_shared"}


@pytest.mark.parametrize(
    ("codec", "text", "severity"),
    [("utf-16", "drawing", "hint"), ("utf-8-sig", "drawing", "hint"), ("gbk", "一只猫在窗边看雨", "warning")],
)
def test_captions_of_other_encodings_are_told(found, folder, codec, text, severity):
    (folder / "5.txt").write_text(f"{WORD}, {text}", encoding=codec)
    found = found()
    assert found.keys() == {"encodings"} and found["encodings"].severity == severity
    assert codec in found["encodings"].sentence


def test_a_caption_beyond_the_limit_is_told_with_the_limit_that_it_needs(found, folder):
    (folder / "6.txt").write_text(f"{WORD}, " + ", ".join(["red house"] * 40), encoding="utf-8")
    assert found(max_tokens=150) == {}
    for family in ("sd1", "sdxl"):
        here = found(family=family)
        assert here.keys() == {"tokens"} and concerned(here["tokens"]) == ["6.png"]
        assert here["tokens"].fixes[0].options == {"base.max_tokens": 150}


def test_the_amount_of_pictures_is_judged(tmp_path):
    few = examine(options(healthy_set(tmp_path / "few", 3)))
    assert [(name, finding.severity) for name, finding in few.findings] == [("amount", "warning")]
    (tmp_path / "none").mkdir()
    assert not examine(options(tmp_path / "none")).healthy


def test_very_many_pictures_are_told(subject, monkeypatch):
    monkeypatch.setattr("lora_trainer.health.checks.amount.MOST_SHOWINGS", 40)
    (finding,) = CHECKS.get("amount")(subject())
    assert finding.severity == "hint" and finding.sentence.values["showings"] == 5 * finding.sentence.values["count"]


def test_a_missing_folder_is_a_sentence(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        examine(options(tmp_path / "nowhere"))


def test_pictures_for_regularization_need_no_trigger_word_and_count_for_nothing(folder, tmp_path):
    more = healthy_set(tmp_path / "class", 2)
    for number, file in enumerate(sorted(more.glob("*.txt"))):
        file.write_text(f"a drawing, number {number}", encoding="utf-8")
    for number, file in enumerate(sorted(more.glob("*.png"))):
        drawn(80 + number).save(file)
    data = options(folder)
    data.folders.append(Folder(str(more), regularization=True))
    report = examine(data)
    assert not report.findings and report.pictures == 12
    assert {"set/0.png", "class/0.png"} <= set(report.names.values())


def test_folders_of_the_same_name_are_told_apart(tmp_path):
    folders = [healthy_set(tmp_path / place / "set", 6) for place in "ab"]
    data = options(folders[0])
    data.folders.append(Folder(str(folders[1])))
    report = examine(data)
    assert len(set(report.names.values())) == len(report.names) == 12


def test_each_state_of_a_file_is_decoded_once(folder, monkeypatch):
    from lora_trainer.health import look

    decoded = []
    original = look.look_at
    monkeypatch.setattr(look, "look_at", lambda *given: decoded.append(given[0].name) or original(*given))
    looks = Looks()
    examine(options(folder), looks)
    examine(options(folder), looks)
    assert len(decoded) == 10
    drawn(99).save(folder / "0.png")
    examine(options(folder), looks)
    assert decoded[10:] == ["0.png"]


def test_a_report_is_plain_values(found, folder):
    add(folder, "soft.png", blurred(drawn(54)))
    values = examine(options(folder)).to_json()
    (finding,) = values["findings"]
    assert values["healthy"] and finding["check"] == "blurred" and finding["pictures"][0]["name"] == "soft.png"
    assert finding["fixes"][0]["pictures"] == ["soft.png"] and finding["sentence"]["code"] == "health_blurred"
