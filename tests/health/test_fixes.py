"""Each fix cures its finding, changes no picture, and what it says can be undone is undone to the byte."""

from __future__ import annotations

import hashlib
import json

import pytest
from PIL import Image

from lora_trainer.data.scan import scan
from lora_trainer.errors import DataError, NotFound, UserError
from lora_trainer.health import apply, report_on, undo

from .drawing import WORD, add, blurred, drawn, framed, options


def state(folder):
    """Every file below the folder with its bytes."""
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def soft(folder):
    add(folder, "bad.png", blurred(drawn(60)))


def bordered(folder):
    add(folder, "bad.png", framed(drawn(61, (420, 300)), 30, 30))


def turned(folder):
    exif = Image.Exif()
    exif[0x0112] = 6
    add(folder, "bad.jpg", drawn(62, (300, 220)), exif=exif, quality=95)


def torn(folder):
    (folder / "bad.png").write_bytes(b"no picture")
    (folder / "bad.txt").write_text(f"{WORD}, torn", encoding="utf-8")


def twice(folder):
    add(folder, "bad.png", drawn(3))


def wordless(folder):
    (folder / "2.txt").write_text("a drawing of shapes\n", encoding="utf-8")


def bare(folder):
    add(folder, "bad.png", drawn(63), caption=None)
    (folder / "4.txt").write_text("", encoding="utf-8")


def chinese(folder):
    (folder / "5.txt").write_bytes(f"{WORD}, 一只猫在窗边看雨\r\n".encode("gbk"))
    (folder / "6.txt").write_text(f"{WORD}, drawing of something", encoding="utf-16")


CURES = [
    (soft, "blurred", "exclude"),
    (bordered, "borders", "cut_borders"),
    (turned, "orientation", "as_stored"),
    (torn, "unreadable", "exclude"),
    (twice, "copies", "exclude"),
    (wordless, "trigger_missing", "write_trigger"),
    (bare, "captions_missing", "fill_captions"),
    (chinese, "encodings", "to_utf8"),
]


@pytest.mark.parametrize(("spoil", "check", "kind"), CURES, ids=lambda value: getattr(value, "__name__", value))
def test_a_fix_cures_its_finding_and_is_taken_back_to_the_byte(folder, subject, spoil, check, kind):
    spoil(folder)
    before = state(folder)
    report = report_on(subject())
    assert [name for name, _ in report.findings] == [check]
    fix = next(fix for fix in report.get(check).fixes if fix.kind == kind)
    id = apply(kind, [report.names[path] for path in fix.pictures], subject())
    assert not report_on(subject()).findings and fix.undoable
    changed = {name for name, content in state(folder).items() if before.get(name) != content}
    assert not [name for name in changed if name.endswith((".png", ".jpg"))]
    undo(folder, id)
    assert state(folder) == before
    assert [name for name, _ in report_on(subject()).findings] == [check]


def test_what_was_excluded_is_left_out_of_a_run_and_taken_in_again(folder, subject):
    apply("exclude", ["3.png", "4.png"], subject())
    data_set = scan(options(folder))
    assert len(data_set.pictures) == 8
    assert {problem.path.name for problem in data_set.problems if "excluded" in problem.reason} == {"3.png", "4.png"}
    report = report_on(subject())
    assert (report.pictures, report.excluded) == (8, 2) and "2 more excluded" in report.summary()
    apply("include", ["3.png"], subject())
    assert len(scan(options(folder)).pictures) == 9


def test_captions_keep_their_words_when_the_trigger_word_is_written(folder, subject):
    wordless(folder)
    apply("write_trigger", ["2.png"], subject())
    assert (folder / "2.txt").read_text(encoding="utf-8") == f"{WORD}, a drawing of shapes\n"


def test_a_caption_of_another_encoding_keeps_its_letters(folder, subject):
    chinese(folder)
    apply("to_utf8", ["5.png", "6.png"], subject())
    assert (folder / "5.txt").read_bytes().decode("utf-8") == f"{WORD}, 一只猫在窗边看雨\n"


def test_a_cut_border_is_cut_in_what_the_run_sees(folder, subject):
    bordered(folder)
    apply("cut_borders", ["bad.png"], subject())
    (picture,) = [picture for picture in scan(options(folder)).pictures if picture.name == "bad.png"]
    height, width = picture.size
    assert 290 <= height <= 300 and 410 <= width <= 420


def test_nothing_to_do_leaves_nothing_behind(folder, subject):
    before = state(folder)
    assert apply("to_utf8", ["0.png"], subject()) == "" and apply("cut_borders", ["0.png"], subject()) == ""
    assert state(folder) == before


def test_a_fix_for_an_unknown_picture_or_of_an_unknown_kind_changes_nothing(folder, subject):
    before = state(folder)
    with pytest.raises(NotFound):
        apply("exclude", ["0.png", "../0.png"], subject())
    with pytest.raises(UserError, match="Did you mean 'exclude'"):
        apply("exclud", ["0.png"], subject())
    with pytest.raises(DataError, match="trigger word"):
        apply("write_trigger", ["0.png"], subject(trigger_word=""))
    assert state(folder) == before


def test_what_was_changed_since_is_not_overwritten(folder, subject):
    wordless(folder)
    id = apply("write_trigger", ["2.png"], subject())
    (folder / "2.txt").write_text("my own words", encoding="utf-8")
    with pytest.raises(DataError, match="changed since"):
        undo(folder, id)
    assert (folder / "2.txt").read_text(encoding="utf-8") == "my own words"


def test_a_fix_is_undone_once(folder, subject):
    id = apply("exclude", ["0.png"], subject())
    undo(folder, id)
    for unknown in (id, "", "../..", "nonsense"):
        with pytest.raises(NotFound):
            undo(folder, unknown)


def test_a_fix_that_fails_halfway_leaves_everything_as_it_was(folder, subject, monkeypatch):
    wordless(folder)
    (folder / "5.txt").write_text("another drawing", encoding="utf-8")
    before, written = state(folder), []

    def full(file, text):
        if written:
            raise UserError("The disk is full.")
        written.append(file)
        file.write_text(text, encoding="utf-8")

    monkeypatch.setattr("lora_trainer.health.fixes.write_text", full)
    with pytest.raises(UserError, match="full"):
        apply("write_trigger", ["2.png", "5.png"], subject())
    assert written and state(folder) == before


def test_a_list_that_leads_out_of_the_folder_is_not_followed(folder, tmp_path):
    backup = folder / ".train-lora-backup" / "bad"
    backup.mkdir(parents=True)
    (tmp_path / "precious.txt").write_text("mine", encoding="utf-8")
    (backup / "0.txt").write_text("theirs", encoding="utf-8")
    now = hashlib.sha256(b"mine").hexdigest()
    for path in ("../precious.txt", str(tmp_path / "precious.txt")):
        (backup / "files.json").write_text(json.dumps([{"path": path, "was": "0.txt", "now": now}]), encoding="utf-8")
        with pytest.raises(NotFound):
            undo(folder, "bad")
    assert (tmp_path / "precious.txt").read_text(encoding="utf-8") == "mine"
