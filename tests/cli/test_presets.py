"""`presets` and `train --preset`, on the command line."""

import json

import pytest

from lora_trainer.cli.main import main, parse
from lora_trainer.cli.train import given_values


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(capsys, *words):
    code = main([*words, "--json"])
    return code, json.loads(capsys.readouterr().out.strip().splitlines()[-1])


def save(capsys, *more):
    return run(capsys, "presets", "save", "Soft", "--why", "For watercolours.", "--set", "network.rank=4", *more)


def test_a_preset_is_saved_listed_exported_deleted_and_imported(capsys, tmp_path):
    assert save(capsys)[0] == 0 and save(capsys)[0] == 1 and save(capsys, "--replace")[0] == 0
    names = [preset["name"] for preset in run(capsys, "presets", "list")[1]["presets"]]
    assert names[0] == "sd1-character" and names[-1] == "Soft"
    assert run(capsys, "presets", "export", "Soft")[0] == 0
    assert run(capsys, "presets", "export", "Soft")[0] == 2  # the file is there
    assert run(capsys, "presets", "delete", "Soft")[0] == 0
    assert run(capsys, "presets", "show", "Soft")[0] == 2
    assert run(capsys, "presets", "import", str(tmp_path / "Soft.yaml"))[1]["values"] == {"network": {"rank": 4}}
    assert run(capsys, "presets", "show", "Soft")[1]["why"] == "For watercolours."


def test_what_is_written_is_read_by_people(capsys):
    assert main(["presets", "list"]) == 0
    assert "sdxl-photo" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [["show"], ["import"], ["show", "sdxl-stile"], ["import", "gone.yaml"], ["save", "x"]]
)
def test_wrong_use_is_a_sentence(capsys, words):
    code, result = run(capsys, "presets", *words)
    assert code == 2 and result["error"]


def test_a_run_begins_with_a_preset_over_which_file_and_flags_win(capsys, tmp_path):
    (tmp_path / "mine.yaml").write_text("network: {rank: 6}\noptimizer: {learning_rate: 0.5}\n", encoding="utf-8")
    words = ["train", "mine.yaml", "--preset", "sdxl-style", "--base", "x", "--data", "y", "--set", "network.rank=7"]
    values = given_values(parse(words))
    assert values["network"]["conv_rank"] == 8 and values["network"]["rank"] == 7
    assert values["optimizer"]["learning_rate"] == 0.5 and values["optimizer"]["schedule"] == "cosine"


def test_a_run_knows_own_presets_too(capsys, tmp_path):
    save(capsys)
    place = tmp_path / "out" / "ui" / ".train-lora" / "presets"  # where the page keeps them
    save(capsys, "--presets", str(place), "--set", "network.rank=5")
    (place / "Soft.yaml").rename(place / "Softer.yaml")
    assert given_values(parse(["train", "--preset", "Softer"]))["network"]["rank"] == 5
    assert given_values(parse(["train", "--preset", "Soft"]))["network"]["rank"] == 4
    code, result = run(capsys, "train", "--preset", "Sofd")
    assert code == 2 and "Soft" in result["error"]


def test_other_pictures_leave_the_regularization_folders_of_a_file(tmp_path):
    folders = "data: {folders: [{path: old}, {path: class, regularization: true}]}"
    (tmp_path / "mine.yaml").write_text(folders, encoding="utf-8")
    values = given_values(parse(["train", "mine.yaml", "--data", "new"]))
    assert values["data"]["folders"] == ["new", {"path": "class", "regularization": True}]
