import pytest

from lora_trainer.errors import UserError
from lora_trainer.files.json_object import object_or_empty, read_object


@pytest.fixture
def file(tmp_path):
    return tmp_path / "habits.json"


def test_an_object_is_read_and_none_is_an_empty_one(file):
    assert read_object(file) == {}
    file.write_text('{"colour": "grün"}', encoding="utf-8")
    assert read_object(file) == {"colour": "grün"}


@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2]", b'"a"', b"\xff\xfe\x00", b"[" * 100_000])
def test_what_is_damaged_is_put_aside_as_it_was(file, content):
    file.write_bytes(content)
    assert read_object(file) == {} and not file.exists()
    (aside,) = file.parent.iterdir()
    assert aside.name.startswith("habits.json.damaged-") and aside.read_bytes() == content


def test_what_cannot_be_read_is_left_alone_and_said(file):
    file.mkdir()
    with pytest.raises(UserError, match=r"habits\.json.*cannot be read.*left as it is"):
        read_object(file)
    assert object_or_empty(file) == {} and file.is_dir()


def test_a_file_that_is_being_replaced_is_read_at_a_second_try(file, monkeypatch):
    file.write_text('{"a": 1}', encoding="utf-8")
    tries = []
    known = type(file).read_text

    def busy(self, **arguments):
        tries.append(self)
        if len(tries) == 1:
            raise PermissionError(13, "The process cannot access the file")
        return known(self, **arguments)

    monkeypatch.setattr(type(file), "read_text", busy)
    assert read_object(file) == {"a": 1}
