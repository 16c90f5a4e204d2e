"""Captions are written to where a training reads them, with a backup, and never over what somebody else wrote."""

import pytest

from lora_trainer.config import DataOptions, Folder
from lora_trainer.data.captions import read_captions
from lora_trainer.data.walk import find_files
from lora_trainer.errors import DataError, NotFound
from lora_trainer.files.backup import KEPT, backups, undo
from lora_trainer.tagging import Conflict, captions_of, save


@pytest.fixture
def folder(tmp_path):
    """Five pictures: captions in .txt, .caption and two tables, and one without."""
    for name in ("1.png", "2.png", "3.png", "sub/4.png", "5.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "1.txt").write_text("one,\n in lines\n", encoding="utf-8")
    (tmp_path / "2.caption").write_text("two", encoding="utf-8")
    (tmp_path / "metadata.csv").write_text('seed;file;prompt\n7;3.png;"three; old"\n8;1.png;hidden\n', encoding="utf-8")
    (tmp_path / "sub" / "metadata.jsonl").write_text('{"file_name": "4.png", "text": "four", "x": 1}\n{}\n', "utf-8")
    return tmp_path


NOW = {"1.png": "one, in lines", "2.png": "two", "3.png": "three; old", "sub/4.png": "four", "5.png": ""}


def read(folder):
    """What a run would read."""
    data = DataOptions(folders=[Folder(str(folder))], caption_fallback="empty")
    files = find_files(data.folders, [])
    return {file.name: text for file, text in zip(files, read_captions(files, data, []))}


def content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_captions_are_read_as_they_lie_there(folder):
    assert captions_of(folder) == NOW


def test_what_is_saved_is_what_a_run_reads_wherever_it_lies(folder):
    new = {name: f"new {number}; x" for number, name in enumerate(NOW)}
    assert set(save(folder, new).written) == NOW.keys()
    assert read(folder) == captions_of(folder) == new
    assert (folder / "metadata.csv").read_text("utf-8").splitlines()[1:] == ['7;3.png;"new 2; x"', "8;1.png;hidden"]
    lines = (folder / "sub" / "metadata.jsonl").read_text("utf-8").splitlines()
    assert lines == ['{"file_name": "4.png", "text": "new 3; x", "x": 1}', "{}"]
    assert sorted(path.name for path in folder.glob("*.txt")) == ["1.txt", "5.txt"]


def test_an_emptied_caption_stays_empty(folder):
    save(folder, dict.fromkeys(NOW, ""))
    assert set(read(folder).values()) == {""}


@pytest.mark.parametrize("row", ["sub\\6.png", "./sub/6.png"])
def test_a_table_s_own_spelling_of_a_name_is_kept(folder, row):
    (folder / "sub" / "6.png").write_bytes(b"")
    (folder / "metadata.csv").write_text(f"file,prompt\n{row},six\n{row},six again\n", encoding="utf-8")
    save(folder, {"sub/6.png": "seven"})
    assert (folder / "metadata.csv").read_text("utf-8") == f"file,prompt\n{row},seven\n{row},seven\n"
    assert read(folder)["sub/6.png"] == "seven"


def test_what_was_there_is_put_back_to_the_byte(folder):
    before = content(folder)
    saved = save(folder, {"1.png": "x", "3.png": "y", "5.png": "z"})
    assert backups(folder)[0].id == saved.backup and len(backups(folder)[0].files) == 3
    undo(folder, saved.backup)
    assert content(folder) == before and backups(folder) == []


def test_the_newest_backup_comes_first_and_the_oldest_go(folder, monkeypatch):
    monkeypatch.setattr("lora_trainer.files.backup.KEPT", 3)
    made = [save(folder, {"1.png": f"number {number}"}).backup for number in range(5)]
    assert [backup.id for backup in backups(folder)] == made[:-4:-1] and KEPT >= 50
    for id in made[:-4:-1]:
        undo(folder, id)
    assert captions_of(folder)["1.png"] == "number 1"


def test_nothing_is_written_over_what_somebody_else_wrote(folder):
    (folder / "2.caption").write_text("theirs", encoding="utf-8")
    (folder / "sub" / "4.png").unlink()
    before = content(folder)
    saved = save(folder, dict.fromkeys(NOW, "mine"), known=NOW)
    assert saved.conflicts == (Conflict("2.png", "theirs"), Conflict("sub/4.png", None))
    assert not saved.written and content(folder) == before
    again = save(folder, {"1.png": "mine", "2.png": "mine"}, known={**NOW, "2.png": "theirs"})
    assert again.written == ("1.png", "2.png") and not again.conflicts


def test_what_was_written_by_others_as_wanted_is_no_conflict(folder):
    (folder / "2.caption").write_text("mine", encoding="utf-8")
    assert save(folder, {"2.png": " mine"}, known=NOW) == save(folder, {})


def test_two_pictures_of_one_caption_file_cannot_have_two_captions(folder):
    (folder / "1.jpg").write_bytes(b"")
    with pytest.raises(DataError, match=r"share the caption file '1\.txt'"):
        save(folder, {"1.jpg": "a", "1.png": "b"})
    assert save(folder, {"1.jpg": "a", "1.png": "a"}).written


def test_a_picture_that_is_not_there_is_named_and_nothing_is_written(folder):
    before = content(folder)
    with pytest.raises(NotFound, match=r"'\.\./9\.png'"):
        save(folder, {"1.png": "a", "../9.png": "b"})
    assert content(folder) == before
