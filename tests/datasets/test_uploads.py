"""A file that comes in parts arrives whole or not at all, whatever its sender says and however often it breaks off."""

import os
import time
import zlib
from io import BytesIO

import pytest

from lora_trainer.datasets import DataSets, uploads
from lora_trainer.datasets.uploads import DONE, RECEIVING, TAKING, NoSuchUpload, WrongOffset
from lora_trainer.errors import DataError

from .conftest import packed_as, picture

DATA = packed_as({"1.png": picture((40, 30)), "1.txt": b"a cat"})
THIRD = len(DATA) // 3
PARTS = [DATA[:THIRD], DATA[THIRD : 2 * THIRD], DATA[2 * THIRD :]]


def checksum(data):
    return f"{zlib.crc32(data):08x}"


@pytest.fixture
def all(store):
    return store.uploads


@pytest.fixture
def begun(all, cats):
    return all.begin(cats.id, "cats.zip", len(DATA))


def send(all, upload, offset, data):
    all.add(upload, offset, BytesIO(data), checksum(data))


def send_all(all, upload):
    for part in PARTS:
        send(all, upload, upload.offset, part)


def ended(upload):
    end = time.monotonic() + 20
    while upload.state != DONE:
        assert time.monotonic() < end
        time.sleep(0.01)
    return upload.result


def left(store):
    return [file.name for file in (store.folder / ".uploads").iterdir()]


def test_the_parts_become_the_file_and_nothing_is_left_of_them(store, all, cats, begun):
    send_all(all, begun)
    assert begun.offset == len(DATA) and cats.count == 0
    all.finish(begun, cats)
    all.finish(begun, cats)  # asked twice, as after a broken connection
    assert sorted(ended(begun).added) == ["1.png", "1.txt"] and begun.result.refused == []
    assert cats.count == 1 and left(store) == []
    assert all.get(cats.id, begun.id) is begun and begun.offset == len(DATA)


def test_a_part_that_came_already_is_not_added_twice(all, begun):
    send(all, begun, 0, PARTS[0])
    with pytest.raises(WrongOffset) as caught:
        send(all, begun, 0, PARTS[0])
    assert caught.value.sentence.values == {"offset": THIRD} and begun.offset == THIRD


def test_another_process_goes_on_with_it(store, all, cats, begun):
    send(all, begun, 0, PARTS[0])
    later = DataSets(store.folder)
    found = later.uploads.get(cats.id, begun.id)
    assert (found.name, found.size, found.offset, found.state) == ("cats.zip", len(DATA), THIRD, RECEIVING)
    for part in PARTS[1:]:
        send(later.uploads, found, found.offset, part)
    later.uploads.finish(found, later.get(cats.id))
    assert ended(found).added


@pytest.mark.parametrize("offset", [-1, 1, THIRD - 1, THIRD + 1, 10**15])
def test_no_offset_but_the_right_one_is_taken(all, begun, offset):
    send(all, begun, 0, PARTS[0])
    with pytest.raises(WrongOffset):
        send(all, begun, offset, PARTS[1])
    assert begun.offset == THIRD


def test_a_damaged_part_is_not_added(all, begun):
    for wrong in ("00000000", "", "no checksum"):
        with pytest.raises(DataError) as caught:
            all.add(begun, 0, BytesIO(PARTS[0]), wrong)
        assert caught.value.sentence.code == "part_damaged" and begun.offset == 0


def test_no_more_is_taken_than_was_announced(all, begun, monkeypatch):
    for data in (DATA + b"x", b""):
        with pytest.raises(DataError) as caught:
            send(all, begun, 0, data)
        assert caught.value.sentence.code == "part_length"
    monkeypatch.setattr(uploads, "LARGEST_PART", 10)
    with pytest.raises(DataError):
        send(all, begun, 0, PARTS[0])
    assert begun.offset == 0


def test_a_file_that_is_not_whole_is_not_taken(all, cats, begun):
    send(all, begun, 0, PARTS[0])
    with pytest.raises(WrongOffset):
        all.finish(begun, cats)
    assert begun.state == RECEIVING and cats.count == 0


@pytest.mark.parametrize(
    ("name", "size", "code"),
    [
        ("run.exe", 10, "not_a_picture"),
        ("../1.zip", 10, "name_escapes"),
        ("C:\\1.zip", 10, "name_escapes"),
        ("", 10, "name_empty"),
        ("1.png", 1 << 40, "file_too_large"),
        ("1.txt", 1 << 30, "file_too_large"),
        ("1.zip", 1 << 60, "file_too_large"),
        ("1.zip", 0, "picture_empty"),
        ("1.zip", -5, "picture_empty"),
    ],
)
def test_what_would_not_be_taken_is_refused_before_it_is_sent(all, cats, name, size, code):
    with pytest.raises(DataError) as caught:
        all.begin(cats.id, name, size)
    assert caught.value.sentence.code == code


def test_a_file_for_which_the_disk_has_no_room_is_refused_before_it_is_sent(all, cats, monkeypatch):
    monkeypatch.setattr(uploads, "free_bytes", lambda folder: uploads.RESERVE + 2500)
    all.begin(cats.id, "1.zip", 1000)
    with pytest.raises(DataError) as caught:
        all.begin(cats.id, "2.zip", 1000)
    assert caught.value.sentence.code == "upload_disk"


def test_there_are_not_endlessly_many_at_once(store, all, cats, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_OPEN", 2)
    first, _ = (all.begin(cats.id, f"{n}.zip", 10) for n in range(2))
    for everybody in (all, DataSets(store.folder).uploads):
        with pytest.raises(DataError) as caught:
            everybody.begin(cats.id, "3.zip", 10)
        assert caught.value.sentence.code == "uploads_many"
    all.cancel(first)
    assert all.begin(cats.id, "3.zip", 10).offset == 0


def test_one_person_leaves_room_for_others_and_what_was_left_lying_gives_way(store, all, cats, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_OF_ONE", 2)
    first, second = (all.begin(cats.id, f"{n}.zip", 10, "ann") for n in range(2))
    for everybody in (all, DataSets(store.folder).uploads):
        with pytest.raises(DataError, match="You are uploading 2 files"):
            everybody.begin(cats.id, "3.zip", 10, "ann")
        everybody.begin(cats.id, "3.zip", 10, "bob")
    second.touched -= uploads.LEFT_SECONDS
    assert all.begin(cats.id, "3.zip", 10, "ann").offset == first.offset == 0
    with pytest.raises(NoSuchUpload):
        all.get(cats.id, second.id)


@pytest.mark.parametrize("id", ["", "..", "../../x", "0" * 31, "g" * 32, "0" * 32, "a/" * 16, "\0" * 32])
def test_ids_that_nobody_was_given_lead_nowhere(all, cats, begun, id):
    with pytest.raises(NoSuchUpload):
        all.get(cats.id, id)


def test_an_upload_belongs_to_its_data_set(store, all, begun):
    with pytest.raises(NoSuchUpload):
        all.get(store.create("dogs").id, begun.id)


def test_two_senders_of_the_same_file_do_not_disturb_each_other(all, cats, begun):
    other = all.begin(cats.id, "cats.zip", len(DATA))
    send(all, begun, 0, PARTS[0])
    send_all(all, other)
    all.finish(other, cats)
    assert ended(other).added and begun.offset == THIRD
    for part in PARTS[1:]:
        send(all, begun, begun.offset, part)
    all.finish(begun, cats)
    assert ended(begun).added and cats.count == 1


def test_a_cancelled_upload_leaves_nothing(store, all, cats, begun):
    send(all, begun, 0, PARTS[0])
    all.cancel(begun)
    assert left(store) == []
    with pytest.raises(NoSuchUpload):
        all.get(cats.id, begun.id)


def test_what_nobody_goes_on_with_is_removed_after_a_day(store, all, cats, begun):
    send(all, begun, 0, PARTS[0])
    fresh = all.begin(cats.id, "2.zip", 10)
    (cats.path / ".incoming-dead").mkdir()
    old = time.time() - 25 * 3600
    for file in (begun.file, begun.file.with_suffix(".json"), cats.path / ".incoming-dead"):
        os.utime(file, (old, old))
    DataSets(store.folder).uploads.sweep()
    cats.add("1.png", picture())
    assert {name.partition(".")[0] for name in left(store)} == {fresh.id}
    assert not (cats.path / ".incoming-dead").exists()


def test_a_part_for_which_there_is_no_room_leaves_what_was_there(all, begun, monkeypatch):
    send(all, begun, 0, PARTS[0])

    class Full(BytesIO):
        def read(self, size=-1):
            if self.tell() and self.again:
                raise OSError(28, "No space left on device")
            return super().read(10)

        def seek(self, *place):
            self.again = True
            return super().seek(*place)

        again = False

    with pytest.raises(DataError) as caught:
        all.add(begun, THIRD, Full(PARTS[1]), checksum(PARTS[1]))
    assert caught.value.sentence.code == "file_unwritten" and begun.offset == THIRD
    assert begun.file.read_bytes() == PARTS[0]


def test_a_failure_while_it_is_taken_is_told(all, cats, begun, monkeypatch):
    send_all(all, begun)
    monkeypatch.setattr(type(cats), "add", lambda *_: (_ for _ in ()).throw(OSError("the disk is gone")))
    all.finish(begun, cats)
    (refused,) = ended(begun).refused
    assert (refused.name, refused.reason) == ("cats.zip", "the disk is gone")


def test_a_file_that_is_being_taken_is_neither_cancelled_nor_swept(all, cats, begun):
    send_all(all, begun)
    begun.state = TAKING
    os.utime(begun.file, (1, 1))
    all.cancel(begun)
    all.sweep()
    assert begun.file.exists()
