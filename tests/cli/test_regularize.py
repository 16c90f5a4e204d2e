"""`regularize`, on the command line."""

import json

import pytest

from lora_trainer.cli.main import main


def run(capsys, *words):
    code = main(["regularize", *map(str, words), "--json"])
    return code, json.loads(capsys.readouterr().out.strip().splitlines()[-1])


def test_pictures_of_a_class_are_drawn_and_the_next_call_counts_them(capsys, random_sd1, pictures, tmp_path):
    words = ["--base", random_sd1, "--prompt", "a thing", "--data", pictures, "--out", tmp_path / "class"]
    words += ["--set", "samples.steps=1", "--set", "data.resolution=64"]
    assert run(capsys, *words, "--count", 2) == (0, {"ok": True, "out": str(tmp_path / "class"), "drawn": 2, "kept": 0})
    assert run(capsys, *words)[1]["drawn"] == 2  # as many as there are pictures
    assert main(["regularize", *map(str, words)]) == 0
    assert "4 were there already" in capsys.readouterr().out


@pytest.mark.parametrize(
    "more",
    [[], ["--count", 2, "--size", "big"], ["--count", 2, "--size", "60x64"], ["--data", "gone"], ["--count", 0 - 3]],
)
def test_wrong_use_is_a_sentence(capsys, random_sd1, tmp_path, more):
    code, result = run(capsys, "--base", random_sd1, "--prompt", "a thing", "--out", tmp_path / "class", *more)
    assert code == 2 and result["error"] and not (tmp_path / "class").exists()
