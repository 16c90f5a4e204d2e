from __future__ import annotations

import pytest

from lora_trainer.data.text_files import decode, read_text

CHINESE = "一只红色的猫，坐在窗台上 masterpiece, 1girl"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gbk"])
def test_chinese_is_read_in_every_encoding(encoding):
    assert decode(CHINESE.encode(encoding)) == CHINESE


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize(
    "text",
    [
        "un café noir, crème brûlée",
        "la fenêtre créée par Zoë",
        "naïve Kätzchen, größer, weiß",
        "the artist’s “red” cat – 5 € …",
        "Übergrößenträger",
        "ÄÖÜ, niño, façade, çà et là",
        "only ascii",
    ],
)
def test_western_text_is_read_in_every_encoding(text, encoding):
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("text", ["红色", "红猫", "女孩, 长发, 微笑", "a photo of 张伟", "（高质量），动漫"])
def test_short_chinese_tags_are_told_from_western_text(text):
    assert decode(text.encode("gbk")) == text


def test_bytes_that_cp1252_lacks_do_not_stop_reading():
    assert decode(b"caf\xe9 \x81 noir").startswith("café ")


def test_line_ends_are_made_alike(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"one\r\ntwo\rthree\n")
    assert read_text(tmp_path / "a.txt") == "one\ntwo\nthree\n"
