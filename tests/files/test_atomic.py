from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from lora_trainer.errors import TrainingError, UserError
from lora_trainer.files import atomic
from lora_trainer.files.atomic import FileInUse, replacing, sweep_partials, write_text


def test_a_finished_block_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "ü.bin"
    for content in (b"first", b"second"):
        with replacing(path) as file:
            file.write(content)
    assert path.read_bytes() == b"second"
    assert list(path.parent.iterdir()) == [path]


def test_an_error_in_the_block_leaves_the_earlier_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"earlier")
    with pytest.raises(KeyboardInterrupt), replacing(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_until_the_end_the_file_has_another_ending(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.safetensors"):
        names = [entry.name for entry in tmp_path.iterdir()]
    assert len(names) == 1
    assert names[0].startswith(".a.safetensors.")
    assert names[0].endswith(".partial")


def test_a_failed_check_prevents_the_replacement(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_text(path, "earlier")

    def refuse(partial: Path) -> None:
        assert partial.read_bytes() == b"bad"
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"), replacing(path, refuse) as file:
        file.write(b"bad")
    assert path.read_text(encoding="utf-8") == "earlier"


def test_a_full_disk_is_a_sentence_and_spares_the_earlier_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "earlier")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TrainingError, match=r"The disk is full: '.*a\.txt'"):
        write_text(path, "later")
    assert path.read_text(encoding="utf-8") == "earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_only_what_is_to_last_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    with replacing(tmp_path / "a.bin", durable=False) as file:
        file.write(b"quick")
    assert (tmp_path / "a.bin").read_bytes() == b"quick" and not synced
    write_text(tmp_path / "a.txt", "lasting")
    assert synced


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "")
    with pytest.raises(UserError, match="cannot be written"):
        write_text(tmp_path / "file" / "a.txt", "")


def test_a_file_that_is_held_for_a_moment_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    refusals = iter([True, True])
    refuse_replacing(monkeypatch, path, lambda: next(refusals, False))
    write_text(path, "later")
    assert path.read_text(encoding="utf-8") == "later"


def test_a_file_that_stays_held_is_saved_under_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cat.txt"
    write_text(path, "earlier")
    write_text(tmp_path / "cat-2.txt", "taken")
    refuse_replacing(monkeypatch, path, lambda: True)
    with pytest.raises(FileInUse, match=r"another program has it open .* saved as 'cat-3\.txt'") as caught:
        write_text(path, "later")
    assert caught.value.saved_as == tmp_path / "cat-3.txt"
    assert caught.value.saved_as.read_text(encoding="utf-8") == "later"
    assert path.read_text(encoding="utf-8") == "earlier"
    assert len(list(tmp_path.iterdir())) == 3


def test_only_old_leftovers_of_the_same_name_are_swept(tmp_path: Path) -> None:
    old, young, other = (tmp_path / f".{name}.partial" for name in ("cat.safetensors.1", "cat.safetensors.2", "dog.3"))
    for leftover in (old, young, other):
        leftover.write_bytes(b"half")
    two_hours_ago = time.time() - 7200
    os.utime(old, (two_hours_ago, two_hours_ago))
    os.utime(other, (two_hours_ago, two_hours_ago))
    assert sweep_partials(tmp_path, "cat") == [old]
    assert sweep_partials(tmp_path, "cat", older_than=0) == [young]
    assert list(tmp_path.iterdir()) == [other]


def refuse_replacing(monkeypatch: pytest.MonkeyPatch, held: Path, refuses) -> None:  # type: ignore[no-untyped-def]
    """Let `os.replace` behave as on Windows while a program has `held` open."""
    replace = os.replace

    def windows_replace(source: Path, target: Path) -> None:
        if Path(target) == held and refuses():
            raise PermissionError(errno.EACCES, "The process cannot access the file")
        replace(source, target)

    monkeypatch.setattr(os, "replace", windows_replace)
    monkeypatch.setattr(atomic, "REPLACE_WAITS", (0.0, 0.0, 0.0))


@pytest.mark.skipif(os.name != "posix", reason="only there a file has such a mode")
def test_a_private_file_is_its_owner_s_alone_from_its_first_byte(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with replacing(tmp_path / "a.json", private=True) as file:
            modes = {entry.stat().st_mode & 0o777 for entry in tmp_path.iterdir()}
            file.write(b"{}")
    finally:
        os.umask(before)
    assert modes == {0o600} == {(tmp_path / "a.json").stat().st_mode & 0o777}
