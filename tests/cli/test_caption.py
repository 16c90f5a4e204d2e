import csv

import pytest

from lora_trainer.cli.main import FAILED, SUCCESS, WRONG_USE, main
from tests.captioning.colours import COLOURS
from tests.captioning.conftest import clip_folder as clip_folder  # a fixture
from tests.captioning.conftest import folder as folder  # a fixture

from .test_main import answer


@pytest.fixture
def models(clip_folder, tmp_path):
    """A folder with a model and the vocabulary of three colours; gives the words that name it."""
    import shutil

    from lora_trainer.captioning.vocabularies import SHIPPED

    place = shutil.copytree(clip_folder, tmp_path / "models")
    (place / "vocabularies").mkdir()
    for file in SHIPPED.iterdir():
        (place / "vocabularies" / file.name).write_text("tags: []", encoding="utf-8")
    (place / "vocabularies" / "colours.yaml").write_text(f"tags: [{', '.join(COLOURS)}]", encoding="utf-8")
    return ["--models", str(place), "--json"]


def test_a_folder_is_captioned_with_what_is_there(folder, models, capsys):
    assert main(["caption", str(folder), "--trigger", "zorb", "--format", "both", *models]) == SUCCESS
    result = answer(capsys)
    assert (result["captioner"], result["written"], result["left_out"]) == ("clip", 3, [])
    assert (folder / "red.txt").read_text("utf-8") == "zorb, red\n"
    assert (folder / "metadata.csv").exists()
    assert main(["caption", str(folder), "--with", "clip", *models]) == SUCCESS
    assert answer(capsys)["kept"] == 3


def test_lora_scripts_form_writes_one_table(folder, models, tmp_path, capsys):
    out = tmp_path / "metadata.csv"
    assert main(["auto_label", "--input", str(folder), "--output", str(out), *models]) == SUCCESS
    with out.open(encoding="utf-8", newline="") as file:
        rows = {row["file"]: row["prompt"] for row in csv.DictReader(file)}
    assert rows == {"pictures/red.png": "red", "pictures/green.png": "green", "pictures/more/blue.jpg": "blue"}
    assert not list(folder.rglob("*.txt"))


def test_broken_pictures_are_in_the_result_and_alone_they_are_a_failure(folder, models, capsys):
    (folder / "red.png").write_bytes(b"no picture")
    assert main(["caption", str(folder), *models]) == SUCCESS
    assert [left["name"] for left in answer(capsys)["left_out"]] == ["red.png"]
    (folder / "green.png").unlink()
    (folder / "more" / "blue.jpg").unlink()
    assert main(["caption", str(folder), *models]) == FAILED


def test_without_any_model_it_fails_and_says_where_each_belongs(folder, tmp_path, capsys):
    assert main(["caption", str(folder), "--models", str(tmp_path / "none"), "--json"]) == FAILED
    error = answer(capsys)["error"]
    assert all(str(tmp_path / "none" / name) in error for name in ("clip", "transformers"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--with", "wd15"], "Did you mean 'wd14'?"),
        (["--mode", "kep"], "one of keep, replace, append, prepend"),
        (["--format", "xml"], "one of txt, csv, both"),
        (["--threshold", "3"], "between 0 and 1"),
        (["--threshold", "high"], "must be a number"),
        (["--model", "x.pt"], "--model needs --with"),
    ],
)
def test_wrong_words_end_with_2(folder, words, sentence, capsys):
    assert main(["caption", str(folder), *words, "--json"]) == WRONG_USE
    assert sentence in answer(capsys)["error"]


def test_a_table_that_is_no_csv_and_a_missing_folder(folder, models, tmp_path, capsys):
    assert main(["auto_label", "--input", str(folder), "--output", str(tmp_path / "out"), "--json"]) == WRONG_USE
    assert ".csv" in answer(capsys)["error"]
    assert main(["caption", str(tmp_path / "gone"), *models]) == FAILED
    assert "gone" in answer(capsys)["error"]
