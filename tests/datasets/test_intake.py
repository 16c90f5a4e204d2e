"""What is dropped into a data set is looked at first; nothing is overwritten, and nothing leaves the folder."""

import stat
import struct
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest

from lora_trainer.datasets import DataSets, incoming, unpack

from .conftest import packed_as, picture

RED, BLUE = (200, 30, 20), (10, 40, 220)


def refusals(result):
    return {refused.name: refused.reason.code for refused in result.refused}


def files(data_set):
    return sorted(path.relative_to(data_set.path).as_posix() for path in data_set.path.rglob("*") if path.is_file())


def test_a_stream_is_taken_as_well_as_bytes(cats):
    assert cats.add("tom.png", BytesIO(picture())).added == ["tom.png"]
    assert files(cats) == ["tom.png"]


def test_a_zip_is_unpacked_with_its_folders_and_captions(cats):
    result = cats.add(
        "all.zip",
        packed_as(
            {"5_tom/1.png": picture(), "5_tom/1.txt": b"a cat", "__MACOSX/5_tom/._1.png": b"x", ".DS_Store": b"x"}
        ),
    )
    assert sorted(result.added) == ["5_tom/1.png", "5_tom/1.txt"] == files(cats)
    assert result.refused == []


def test_a_bad_picture_in_a_zip_does_not_keep_the_others_out(cats):
    result = cats.add("all.zip", packed_as({"1.png": picture(), "2.png": b"nonsense", "run.exe": b"MZ", "3.png": b""}))
    assert result.added == ["1.png"] == files(cats)
    assert refusals(result) == {"2.png": "picture_unknown", "run.exe": "not_a_picture", "3.png": "picture_empty"}


def test_a_name_that_is_taken_gets_a_number_and_its_caption_and_mask_follow(cats):
    cats.add("1.png", picture(colour=RED))
    cats.add("1.txt", b"red")
    again = {"1.txt": b"blue", "1-mask.png": picture(colour=(9, 9, 9)), "1.jpg": picture(colour=BLUE, kind="JPEG")}
    cats.add("more.zip", packed_as(again))
    assert files(cats) == ["1-2-mask.png", "1-2.jpg", "1-2.txt", "1.png", "1.txt"]
    assert {item.name: item.caption for item in cats.items(64)} == {"1.png": "red", "1-2.jpg": "blue"}


def test_the_same_picture_dropped_twice_is_there_once(cats):
    assert cats.add("1.png", picture()).added == cats.add("1.png", picture()).added == ["1.png"]
    assert files(cats) == ["1.png"]


@pytest.mark.parametrize(
    "name", ["../out.png", "/out.png", "\\out.png", "a/../../out.png", "C:\\out.png", "..\\out.png"]
)
def test_names_that_lead_out_are_refused_in_a_zip_and_by_themselves(cats, name):
    entry = zipfile.ZipInfo("x")
    entry.filename = name
    for result in (cats.add("all.zip", packed_as({entry: picture()})), cats.add(name, picture())):
        assert list(refusals(result).values()) == ["name_escapes"]
    assert files(cats) == []
    assert not list(cats.path.parent.glob("out*"))


@pytest.mark.parametrize(
    "name, safe",
    [("a:b?.png", "a_b_.png"), ("con.png", "con_.png"), ("猫 1.png", "猫 1.png"), ("tom .png", "tom.png")],
)
def test_names_are_made_fit_for_every_system(cats, name, safe):
    assert cats.add(name, picture()).added == [safe]


def test_links_in_a_zip_are_refused(cats):
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert refusals(cats.add("all.zip", packed_as({link: "/etc/passwd"}))) == {"link.png": "zip_link"}
    assert files(cats) == []


def test_a_zip_bomb_is_refused_before_it_is_unpacked(cats, monkeypatch):
    monkeypatch.setattr(unpack, "SUSPICIOUS", 1 << 20)
    assert refusals(cats.add("bomb.zip", packed_as({"1.bmp": bytes(8 << 20)}))) == {"bomb.zip": "zip_bomb"}


def test_a_zip_that_lies_about_its_sizes_gives_no_more_than_it_said(cats):
    whole = packed_as({"1.png": picture() + bytes(1 << 20)})
    size = len(picture()) + (1 << 20)
    lying = whole.replace(struct.pack("<I", size), struct.pack("<I", 100))
    assert whole != lying
    result = cats.add("lying.zip", lying)
    assert len(result.refused) == 1 and files(cats) == []


def test_too_many_files_are_refused(cats, monkeypatch):
    monkeypatch.setattr(unpack, "MOST_FILES", 3)
    assert refusals(cats.add("all.zip", packed_as({f"{n}.txt": b"x" for n in range(4)}))) == {"all.zip": "zip_files"}


def test_a_zip_in_a_zip_is_not_unpacked(cats):
    result = cats.add("outer.zip", packed_as({"inner.zip": packed_as({"1.png": picture()})}))
    assert refusals(result) == {"inner.zip": "not_a_picture"}


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 cut off", b"no zip"])
def test_a_damaged_zip_is_refused_in_words(cats, data):
    assert refusals(cats.add("all.zip", data)) == {"all.zip": "zip_damaged"}


def test_a_damaged_member_is_refused_in_words(cats):
    data = bytearray(packed_as({"1.png": picture((500, 500))}))
    data[60:70] = bytes(10)
    assert list(refusals(cats.add("all.zip", bytes(data)))) == ["1.png"]


def test_a_picture_with_billions_of_pixels_is_refused_without_being_decoded(cats):
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    result = cats.add("huge.png", b"\x89PNG\r\n\x1a\n" + body)
    assert list(refusals(result).values()) in (["picture_bomb"], ["picture_pixels"])


def test_postscript_under_a_picture_s_name_is_no_picture(cats):
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"
    assert refusals(cats.add("tom.png", eps)) == {"tom.png": "picture_unknown"}


def test_a_program_under_a_caption_s_name_is_no_caption(cats):
    assert refusals(cats.add("tom.txt", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0")) == {"tom.txt": "text_binary"}


def test_a_file_beyond_the_limit_is_refused_and_leaves_nothing(cats, monkeypatch):
    monkeypatch.setattr(incoming, "LARGEST_PICTURE", 1000)
    assert refusals(cats.add("1.png", BytesIO(bytes(2000)))) == {"1.png": "file_too_large"}
    assert list(cats.path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("NUL", None),
        ("aux.png", "aux_.png"),
        ("Com1.x.png", "Com1_.x.png"),
        ("LPT¹.png", "LPT¹_.png"),
        ("5_tom/con/1.png", "5_tom/con_/1.png"),
        ("a.png:stream.png", "a.png_stream.png"),
        ("cat.png. . ", None),
        ("trailing. /1.png", "trailing/1.png"),
        ("a\u202egpj.png", "a_gpj.png"),
        ("a\u0000b.png", None),
        ("a\nb.png", "a_b.png"),
        ("\ud800.png", "_.png"),
        ("cafe\u0301.png", "café.png"),
        ("．．／out.png", "．．／out.png"),
        ("%2e%2e%2fout.png", "%2e%2e%2fout.png"),
        ("x" * 500 + ".png", "x" * 180 + ".png"),
        ("~/1.png", "~/1.png"),
        ("$HOME.png", "$HOME.png"),
        ("a/b/c/d/e/f/g/1.png", None),
    ],
)
def test_every_trick_with_names_ends_as_a_plain_name_inside(cats, name, safe):
    result = cats.add(name, picture())
    assert result.added == ([safe] if safe else []) and files(cats) == ([safe] if safe else [])
    assert bool(result.refused) is (safe is None)


@pytest.mark.parametrize(
    "name", ["\\\\server\\share\\1.png", "//server/1.png", "C:/1.png", "c:\\..\\1.png", "\\\\?\\C:\\1.png"]
)
def test_drives_and_shares_are_refused(cats, name):
    assert list(refusals(cats.add(name, picture())).values()) == ["name_escapes"]


def test_a_zip_of_zips_and_a_file_that_lies_about_its_kind_are_refused(cats):
    bomb = packed_as({"0.zip": packed_as({"1.bmp": bytes(1 << 20)})})
    assert refusals(cats.add("a.png", bomb)) == {"a.png": "picture_unknown"}
    assert refusals(cats.add("b.zip", picture())) == {"b.zip": "zip_damaged"}
    for kind in (b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a", b"%PDF-1.4", b"\x89PNG\r\n\x1a\n"):
        assert len(cats.add("c.png", kind).refused) == 1
    assert files(cats) == []


def test_a_name_that_is_a_folder_already_is_refused_in_words(cats):
    (cats.path / "1.png").mkdir()
    result = cats.add("1.png", picture())
    assert result.added == ["1-2.png"] or len(result.refused) == 1


def test_a_zip_does_not_write_through_a_link_that_it_brings(cats, tmp_path):
    link = zipfile.ZipInfo("out")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    result = cats.add("all.zip", packed_as({link: str(tmp_path), "out/1.png": picture()}))
    assert result.added == ["out/1.png"] and not list(tmp_path.glob("*.png"))
    assert not (cats.path / "out").is_symlink()


def test_two_members_of_one_name_are_both_kept(cats):
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, pytest.warns(UserWarning):
        archive.writestr("1.png", picture(colour=RED))
        archive.writestr("1.png", picture(colour=BLUE))
    assert cats.add("all.zip", buffer.getvalue()).added == ["1.png", "1-2.png"]


def test_a_picture_that_grows_to_gigabytes_is_refused(cats):
    """A TIFF whose header announces more than its data can hold, and a PNG of the largest width."""
    header = struct.pack(">IIBBBBB", 1 << 20, 1 << 20, 1, 0, 0, 0, 0)
    body = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    result = cats.add("wide.png", b"\x89PNG\r\n\x1a\n" + body)
    assert len(result.refused) == 1 and files(cats) == []


def test_files_that_come_at_once_do_not_disturb_one_another(tmp_path):
    given = [(f"{n}.{ending}", data) for n in range(7) for ending, data in (("png", picture()), ("txt", b"a cat"))]
    for turn in range(20):
        made = DataSets(tmp_path).create(f"set {turn}")
        with ThreadPoolExecutor(3) as pool:
            results = list(pool.map(lambda file: made.add(*file), given))  # noqa: B023  called before the next turn
        assert not any(result.refused for result in results)
        assert [item.caption for item in made.items(64)] == ["a cat"] * 7
