from __future__ import annotations

import json

import pytest

from lora_trainer.config import Folder
from lora_trainer.data.captions import with_trigger, words_of
from lora_trainer.data.scan import scan
from lora_trainer.errors import DataError

from .drawing import draw, options


def captions(*folders, **values):
    data_set = scan(options(*folders, **values))
    return {picture.name: picture.caption for picture in data_set.pictures}, data_set.problems


def test_a_caption_is_read_from_the_file_beside_the_picture(tmp_path):
    draw(tmp_path / "a.png", caption="a red cat\n")
    assert captions(tmp_path) == ({"a.png": "a red cat"}, ())


@pytest.mark.parametrize("name", ["a.txt", "a.caption", "a.png.txt", "a.TXT", "a.PNG.TXT"])
def test_every_caption_ending_is_found(tmp_path, name):
    draw(tmp_path / ("a.PNG" if "PNG" in name else "a.png"))
    (tmp_path / name).write_text("a cat", encoding="utf-8")
    assert [*captions(tmp_path)[0].values()] == ["a cat"]


@pytest.mark.parametrize("name", ["METADATA.CSV", "Metadata.csv"])
def test_a_table_is_found_however_its_name_is_spelt(tmp_path, name):
    draw(tmp_path / "a.png")
    (tmp_path / name).write_text("file,prompt\na.png,a cat\n", encoding="utf-8")
    assert captions(tmp_path)[0] == {"a.png": "a cat"}


def test_caption_endings_are_tried_in_the_order_of_the_option(tmp_path):
    draw(tmp_path / "a.png", caption="from txt")
    (tmp_path / "a.caption").write_text("from caption", encoding="utf-8")
    assert captions(tmp_path)[0] == {"a.png": "from txt"}
    assert captions(tmp_path, caption_extensions=["caption", ".txt"])[0] == {"a.png": "from caption"}


def test_lines_of_a_caption_are_joined(tmp_path):
    draw(tmp_path / "a.png", caption="a cat\r\non a  mat\n\n")
    assert captions(tmp_path)[0] == {"a.png": "a cat on a mat"}


def test_a_caption_file_that_cannot_be_decoded_is_named(tmp_path):
    draw(tmp_path / "a.png")
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00\xd8")
    found, problems = captions(tmp_path, trigger_word="zwx")
    assert found == {"a.png": "zwx"}
    assert [problem.path.name for problem in problems] == ["a.txt"] and not problems[0].left_out


@pytest.mark.parametrize(
    "table",
    [
        {"a": {"tags": "a red cat"}, "b": {"caption": "a cat", "tags": "on a mat"}},
        {"a.png": {"caption": "a red cat"}, "sub/b.png": {"caption": "a cat, on a mat", "train_resolution": [64, 64]}},
        {"a.png": "a red cat", "b.png": "a cat, on a mat"},
        [{"file_name": "a.png", "text": "a red cat"}, {"file_name": "sub/b.png", "text": "a cat, on a mat"}],
    ],
)
def test_a_table_in_json_that_is_named_is_read_as_other_trainers_write_it(tmp_path, table):
    draw(tmp_path / "a.png", caption="beside it")
    draw(tmp_path / "sub" / "b.png")
    (tmp_path / "meta.json").write_text(json.dumps(table), encoding="utf-8")
    found, problems = captions(tmp_path, metadata=str(tmp_path / "meta.json"))
    assert found == {"a.png": "a red cat", "sub/b.png": "a cat, on a mat"} and not problems


def test_what_a_table_in_json_lacks_is_told(tmp_path):
    draw(tmp_path / "a.png")
    (tmp_path / "meta.json").write_text(json.dumps({"a.png": {"train_resolution": [64, 64]}}), encoding="utf-8")
    assert "no caption for 'a.png'" in str(captions(tmp_path, metadata=str(tmp_path / "meta.json"))[1][0])
    (tmp_path / "meta.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=r"data\.metadata"):
        captions(tmp_path, metadata=str(tmp_path / "meta.json"))


@pytest.mark.parametrize(
    "table",
    [
        'file,prompt\na.png,a red cat\nsub/b.png,"a cat, on a mat"\n',
        "\ufeffFile;Prompt\r\na.png;a red cat\r\nsub\\b.png;a cat, on a mat\r\n",
        "prompt\tfile_name\na red cat\ta.png\na cat, on a mat\tsub/b.png\n",
        'a.png,a red cat\nb.png,"a cat,\n on a mat"\n',
        'index,image_path,caption\n1,./a.png,a red cat\n2,sub/b.png,"a cat, on a mat"\n',
    ],
)
def test_a_csv_beside_the_pictures_gives_their_captions(tmp_path, table):
    draw(tmp_path / "a.png")
    draw(tmp_path / "sub" / "b.png")
    (tmp_path / "metadata.csv").write_text(table, encoding="utf-8", newline="")
    assert captions(tmp_path) == ({"a.png": "a red cat", "sub/b.png": "a cat, on a mat"}, ())


def test_a_csv_in_gbk_is_read(tmp_path):
    draw(tmp_path / "猫.png")
    (tmp_path / "metadata.csv").write_bytes("file,prompt\n猫.png,一只红色的猫\n".encode("gbk"))
    assert captions(tmp_path) == ({"猫.png": "一只红色的猫"}, ())


def test_a_jsonl_of_an_image_folder_gives_captions(tmp_path):
    draw(tmp_path / "train" / "a.png")
    lines = [{"file_name": "a.png", "text": "a café"}]
    (tmp_path / "train" / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    assert captions(tmp_path) == ({"train/a.png": "a café"}, ())


def test_an_entry_without_its_picture_is_a_problem(tmp_path):
    draw(tmp_path / "a.png")
    (tmp_path / "metadata.csv").write_text("file,prompt\na.png,a cat\ngone.png,a dog\n", encoding="utf-8")
    found, problems = captions(tmp_path)
    assert found == {"a.png": "a cat"}
    assert [problem.path for problem in problems] == [tmp_path / "gone.png"] and "not there" in problems[0].reason


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("metadata.csv", "a,b\n1,2\n", "no columns 'file' and 'prompt'"),
        ("metadata.csv", "file,prompt\na.png\n", "line without a caption: 'a.png'"),
        ("metadata.jsonl", '{"file_name": "a.png", "text": "x"}\n{oops\n', "line 2 is no JSON"),
        ("metadata.jsonl", '{"file_name": "a.png"}\n', "line 1 has no text"),
    ],
)
def test_a_damaged_table_is_named(tmp_path, name, content, reason):
    draw(tmp_path / "a.png")
    (tmp_path / name).write_text(content, encoding="utf-8")
    problems = captions(tmp_path)[1]
    assert [problem.path.name for problem in problems] == [name] and reason in problems[0].reason


def test_a_named_table_wins_over_a_caption_file_which_wins_over_a_table_beside(tmp_path):
    pictures = tmp_path / "pictures"
    for name in "abc":
        draw(pictures / f"{name}.png", caption=None if name == "c" else "from file")
    (pictures / "metadata.csv").write_text("file,prompt\na.png,beside\nb.png,beside\nc.png,beside\n", encoding="utf-8")
    (tmp_path / "mine.csv").write_text("file,prompt\na.png,named\n", encoding="utf-8")
    found, problems = captions(pictures, metadata=str(tmp_path / "mine.csv"))
    assert found == {"a.png": "named", "b.png": "from file", "c.png": "beside"} and not problems


def test_the_nearest_of_two_tables_wins(tmp_path):
    draw(tmp_path / "sub" / "a.png")
    (tmp_path / "metadata.csv").write_text("file,prompt\nsub/a.png,far\n", encoding="utf-8")
    (tmp_path / "sub" / "metadata.csv").write_text("file,prompt\na.png,near\n", encoding="utf-8")
    assert captions(tmp_path)[0] == {"sub/a.png": "near"}


def test_a_named_table_that_is_missing_stops(tmp_path):
    draw(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"nothing\.csv.*data\.metadata"):
        captions(tmp_path, metadata=str(tmp_path / "nothing.csv"))


@pytest.mark.parametrize(
    ("fallback", "trigger", "caption"),
    [
        ("trigger", "zwx", "zwx"),
        ("trigger", "", "red cat"),
        ("file_name", "", "sitting in the sun"),
        ("file_name", "zwx", "zwx, sitting in the sun"),
        ("empty", "", ""),
    ],
)
def test_a_picture_without_caption_gets_the_fallback(tmp_path, fallback, trigger, caption):
    draw(tmp_path / "10_red cat" / "sitting_in_the_sun (3).png")
    found = captions(tmp_path, caption_fallback=fallback, trigger_word=trigger)[0]
    assert list(found.values()) == [caption]


@pytest.mark.parametrize(
    ("name", "words"), [("red_cat-012.png", "red cat"), ("7.png", ""), ("r2d2.jpg", "r2d2"), ("cat(3).png", "cat")]
)
def test_words_of_a_file_name_leave_out_a_counter(name, words):
    assert words_of(name) == words


@pytest.mark.parametrize(
    ("caption", "result"),
    [
        ("a cat", "zwx, a cat"),
        ("a zwx cat", "a zwx cat"),
        ("ZWX, cat", "ZWX, cat"),
        ("zwxy cat", "zwx, zwxy cat"),
        ("一只zwx猫", "一只zwx猫"),
        ("", "zwx"),
    ],
)
def test_the_trigger_word_is_put_in_front_where_it_is_missing(caption, result):
    assert with_trigger(caption, "zwx") == result


def test_a_folder_has_its_own_trigger_word_and_regularization_has_none(tmp_path):
    for name in ("mine", "other", "class"):
        draw(tmp_path / name / "a.png", caption="a cat")
    folders = [
        Folder(str(tmp_path / "mine")),
        Folder(str(tmp_path / "other"), trigger_word="qqq"),
        Folder(str(tmp_path / "class"), regularization=True),
    ]
    data_set = scan(options(*folders, trigger_word="zwx"))
    assert [picture.caption for picture in data_set.pictures] == ["zwx, a cat", "qqq, a cat", "a cat"]


def test_a_line_that_is_nested_too_deeply_is_named_and_the_others_are_read(tmp_path):
    draw(tmp_path / "a.png")
    lines = ["[" * 100_000, json.dumps({"file_name": "a.png", "text": "a cat"})]
    (tmp_path / "metadata.jsonl").write_text("\n".join(lines), encoding="utf-8")
    found, problems = captions(tmp_path)
    assert found == {"a.png": "a cat"} and "line 1 is no JSON object" in str(problems[0])
