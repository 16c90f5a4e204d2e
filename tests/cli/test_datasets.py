import json
import zipfile

import pytest

from lora_trainer.cli import datasets
from lora_trainer.cli.main import FAILED, SUCCESS, WRONG_USE, main
from lora_trainer.datasets import DataSets
from tests.datasets.conftest import packed_as, picture


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    """Runs `datasets` beside one data set, 'cats'; gives the exit code, and the JSON where it was asked for."""
    monkeypatch.chdir(tmp_path)
    store = DataSets(tmp_path / ".train-lora" / "datasets")
    cats = store.create("cats")
    cats.add("1.png", picture())
    cats.add("1.txt", b"a cat")

    def command(*words):
        code = main(["datasets", *words, "--data", str(tmp_path)])
        out = capsys.readouterr().out
        return code, json.loads(out.splitlines()[-1]) if "--json" in words else out

    command.store = store
    return command


def names(run):
    return [one.name for one in DataSets(run.store.folder).list()]


def test_data_sets_are_listed_with_their_sizes(run):
    code, text = run("list")
    assert code == SUCCESS and text == "cats      1 pictures      0 MB\n"
    code, result = run("list", "--json")
    (only,) = result["datasets"]
    assert code == SUCCESS and only["count"] == 1 and only["bytes"] == len(picture()) and only["own"]


def test_one_is_copied_renamed_and_deleted(run):
    assert run("copy", "cats", "dogs")[0] == run("rename", "dogs", "birds")[0] == SUCCESS
    assert names(run) == ["birds", "cats"]
    code, result = run("delete", "cats", "--yes", "--json")
    assert (code, result["name"], names(run)) == (SUCCESS, "cats", ["birds"])


def test_what_is_exported_is_imported_again(run, tmp_path):
    code, text = run("export", "cats")
    assert code == SUCCESS and text.startswith("1 pictures in cats.zip")
    assert zipfile.ZipFile(tmp_path / "cats.zip").namelist() == ["1.png", "1.txt", "metadata.csv"]
    assert run("export", "cats")[0] == WRONG_USE and run("export", "cats", "--replace")[0] == SUCCESS
    code, result = run("import", "cats.zip", "--json")
    assert (code, result["name"], result["refused"], names(run)) == (SUCCESS, "cats-2", [], ["cats", "cats-2"])
    assert [item.caption for item in DataSets(run.store.folder).find("cats-2").items(64)] == ["a cat"]


def test_what_cannot_be_taken_of_a_zip_is_said(run, tmp_path, capsys):
    (tmp_path / "some.zip").write_bytes(packed_as({"1.png": picture(), "run.exe": b"MZ"}))
    code, result = run("import", "some.zip", "dogs", "--json")
    assert code == SUCCESS and [one["name"] for one in result["refused"]] == ["run.exe"]
    (tmp_path / "none.zip").write_bytes(b"no zip")
    assert run("import", "none.zip")[0] == FAILED and names(run) == ["cats", "dogs"]


def test_nothing_is_deleted_without_an_answer(run, monkeypatch):
    assert run("delete", "cats")[0] == run("delete", "cats", "--json")[0] == WRONG_USE
    monkeypatch.setattr(datasets.sys.stdin, "isatty", lambda: True, raising=False)
    answers = iter(["", "no", "y"])
    monkeypatch.setattr("builtins.input", lambda question: next(answers))
    assert [run("delete", "cats")[0] for _ in range(2)] == [FAILED, FAILED] and names(run) == ["cats"]
    assert run("delete", "cats")[0] == SUCCESS and names(run) == []


@pytest.mark.parametrize("words", [["copy", "cast"], ["export", "cast"], ["delete", "cast", "--yes"]])
def test_a_name_that_is_not_there_is_told_with_the_nearest(run, words, capsys):
    assert main(["datasets", *words, "--data", "."]) == FAILED
    assert "Did you mean 'cats'?" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["lst"], ["import", "no.zip"], ["list", "--dat", "x"], ["rename", "cats"]])
def test_wrong_use_ends_with_2(run, words):
    assert main(["datasets", *words]) == WRONG_USE
