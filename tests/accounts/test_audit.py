"""What admins did stands in a private file that does not grow without end."""

import stat
import sys

import pytest

from lora_trainer.accounts import audit
from lora_trainer.accounts.audit import Audit


def test_the_newest_comes_first_and_damaged_lines_are_passed_over(tmp_path):
    made = Audit(tmp_path / "data")
    assert made.newest(9) == []
    made.note("root", "add", "bob", role="user")
    with made.file.open("ab") as file:
        file.write(b"\xff{\n")
    made.note("root", "remove", "bob\n")
    assert [(one["what"], one["whom"]) for one in Audit(tmp_path / "data").newest(9)] == [
        ("remove", "bob\n"),
        ("add", "bob"),
    ]
    assert [one["what"] for one in made.newest(1)] == ["remove"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_it_is_its_owner_s_alone(tmp_path):
    made = Audit(tmp_path)
    made.note("root", "add", "bob")
    assert stat.S_IMODE(made.file.stat().st_mode) == 0o600


def test_two_files_of_a_size_are_all_that_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(audit, "MOST_BYTES", 400)
    made = Audit(tmp_path)
    for number in range(40):
        made.note("root", "add", str(number))
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 800 and len(list(tmp_path.iterdir())) == 2
    assert [one["whom"] for one in made.newest(3)] == ["39", "38", "37"]


def test_what_cannot_be_written_hinders_nothing_and_is_told(tmp_path, caplog):
    (tmp_path / "data").write_text("a file in the folder's place")
    Audit(tmp_path / "data").note("root", "add", "bob")
    assert "could not be noted" in caplog.text and "bob" in caplog.text
