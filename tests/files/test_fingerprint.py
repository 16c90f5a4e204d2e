import os

import pytest

from lora_trainer.files.fingerprint import fingerprint


@pytest.fixture
def base(tmp_path):
    path = tmp_path / "base.safetensors"
    path.write_bytes(bytes(range(256)) * 2**13)
    return path


def test_a_file_is_the_same_under_another_name_and_date(base):
    before = fingerprint(base)
    other = base.rename(base.with_name("other.safetensors"))
    os.utime(other, (1, 1))
    assert len(before) == 64 and fingerprint(other) == before


@pytest.mark.parametrize("place", [0, 8, -1])
def test_other_weights_are_another_file(base, place):
    before = fingerprint(base)
    content = bytearray(base.read_bytes())
    content[place] ^= 1
    base.write_bytes(content)
    os.utime(base, (1, 1))
    assert fingerprint(base) != before


def test_a_longer_file_is_another_one(base):
    before = fingerprint(base)
    base.write_bytes(base.read_bytes() + b"\0")
    assert fingerprint(base) != before


def test_of_a_folder_the_weights_count(tmp_path, base):
    folder = tmp_path / "folder"
    (folder / "unet").mkdir(parents=True)
    assert fingerprint(folder) == ""
    weights = base.rename(folder / "unet" / "model.safetensors")
    before = fingerprint(folder)
    (folder / "README.md").write_text("read me")
    assert fingerprint(folder) == before != ""
    weights.write_bytes(b"other")
    assert fingerprint(folder) != before


def test_what_is_not_there_has_none(tmp_path):
    assert fingerprint(tmp_path / "gone.safetensors") == ""


def test_an_empty_file_has_one(tmp_path):
    (tmp_path / "empty").touch()
    assert fingerprint(tmp_path / "empty")
