"""Zip files that are more, or lie elsewhere, than they say."""

import io
import stat
import struct
import time
import zipfile

import pytest

from .conftest import SECRET, png

OUTSIDE = (
    "../a.png",
    "../../outside/pictures/cat.png",
    "/etc/a.png",
    "C:/Windows/a.png",
    "..\\..\\a.png",
    "\\\\203.0.113.9\\share\\a.png",
    "x/../../a.png",
    "a/../../../outside/secret.txt",
)


def packed(*entries):
    """A zip of (name or ZipInfo, content)."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return file.getvalue()


def link(name, target):
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return entry, target


def device(name):
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, (stat.S_IFCHR | 0o666) << 16
    return entry, b""


def said_larger(content):
    """A zip whose only entry says that it holds much more than it does."""
    return _with_size(content, 2**31)


def said_smaller(content):
    """And one that holds more than it says."""
    return _with_size(content, 10)


def _with_size(content, size):
    data = bytearray(packed(("a.png", content)))
    for start, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(start) + offset
        data[at : at + 4] = struct.pack("<I", size)
    return bytes(data)


@pytest.fixture
def take(root, dataset):
    """Send a zip; what was refused, by name, with the codes of the reasons."""

    def take(content, name="some.zip"):
        answer = root("PUT", f"/datasets/{dataset}/files/{name}", body=content)
        assert answer.status == 200, answer
        told = answer.json()
        assert all(one["text"] for one in told["refused"])
        return told["added"], {one["name"]: one["code"] for one in told["refused"]}

    return take


@pytest.mark.parametrize("name", OUTSIDE)
def test_an_entry_whose_name_leads_out_is_refused_and_the_others_are_taken(name, take, unharmed):
    added, refused = take(packed((name, png()), (f"ok{OUTSIDE.index(name)}.png", png())))
    assert added == [f"ok{OUTSIDE.index(name)}.png"] and [*refused.values()] == ["name_escapes"]


@pytest.mark.parametrize("entry", [link("l.png", "/etc/passwd"), link("l", "../outside"), device("d.png")])
def test_links_and_devices_in_a_zip_are_refused(entry, take, unharmed):
    added, refused = take(packed(entry))
    assert added == [] and set(refused.values()) <= {"zip_link", "not_a_picture"}


def test_a_link_and_then_a_file_through_it_leave_the_outside_alone(take, ground, unharmed):
    added, _ = take(packed(link("door", str(ground / "outside")), ("door/new.png", png())))
    assert added == ["door/new.png"] and not (ground / "outside" / "new.png").exists()


@pytest.mark.parametrize(
    "bomb",
    [
        packed(*((f"{n}.png", bytes(2**27)) for n in range(9))),
        packed(("a.zip", packed(("b.zip", packed(("c.png", bytes(2**20))))))),
        packed(*((f"{n}.png", b"") for n in range(20_001))),
        said_larger(png()),
        said_smaller(bytes(2**20)),
        packed(("a.png", png()))[:-30],
        b"PK\x05\x06" + bytes(18),
        b"PK\x03\x04" + b"\xff" * 200,
        b"",
    ],
    ids=["growth", "nested", "many", "says more", "says less", "cut off", "empty", "noise", "nothing"],
)
def test_bombs_are_refused_at_once_and_leave_nothing(bomb, take, ground, unharmed):
    folder = ground / "private" / "data" / "datasets" / "zorb"
    before, began = {*folder.rglob("*")}, time.process_time()
    added, refused = take(bomb)
    assert added == [] and (refused or bomb[:4] == b"PK\x05\x06")
    assert {*folder.rglob("*")} == before
    assert time.process_time() - began < 5


def test_two_entries_of_one_name_are_two_files_or_one(take, unharmed):
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = packed(("same.png", png()), ("same.png", png(63)))
    added, _ = take(twice)
    assert added == ["same.png", "same-2.png"]


def test_nothing_secret_came_in(root, dataset, ground):
    for path in (ground / "private" / "data" / "datasets").rglob("*"):
        assert not path.is_symlink() and not (path.is_file() and SECRET in path.read_bytes())
