import json

import pytest

from lora_trainer.cli.main import FAILED, SUCCESS, WRONG_USE, main
from tests.health.drawing import WORD, add, blurred, drawn, healthy_set


@pytest.fixture
def check(tmp_path, capsys):
    """Runs `check` on a data set that was healthy; gives the exit code and what was printed."""
    folder = healthy_set(tmp_path / "set")
    small = ["--set", "data.resolution=256", "--set", "data.bucket_least=64", "--set", f"data.trigger_word={WORD}"]

    def run(*words):
        code = main(["check", str(folder), *small, *words])
        return code, capsys.readouterr().out

    run.folder, run.printed = folder, lambda: capsys.readouterr().out
    return run


def test_a_healthy_set_ends_with_0(check):
    code, text = check()
    assert code == SUCCESS and text == "10 pictures (0 more excluded). Errors: 0, warnings: 0, hints: 0.\n"


def test_findings_are_told_with_what_to_do(check):
    add(check.folder, "soft.png", blurred(drawn(70)))
    code, text = check()
    assert code == SUCCESS
    assert "WARNING blurred: Blurred: 1 of 11 pictures" in text and "- soft.png: sharpness 0.0" in text
    assert "--fix blurred: Leave them out" in text


def test_an_error_ends_with_1(check):
    (check.folder / "torn.png").write_bytes(b"")
    code, text = check("--json")
    result = json.loads(text.splitlines()[-1])
    assert code == FAILED and not result["ok"] and not result["healthy"]
    assert (result["findings"][0]["check"], result["findings"][0]["severity"]) == ("unreadable", "error")


def test_a_finding_is_mended_and_taken_back(check):
    add(check.folder, "soft.png", blurred(drawn(70)))
    code, text = check("--fix", "blurred", "--json")
    result = json.loads(text.splitlines()[-1])
    assert code == SUCCESS and not result["findings"] and result["excluded"] == 1
    _, text = check("--undo", result["undo"][0])
    assert "WARNING blurred" in text and not (check.folder / ".train-lora.json").exists()


def test_what_cannot_be_mended_from_here_is_said(check, tmp_path):
    (check.folder / "7.txt").write_text(", ".join(["red house"] * 40), encoding="utf-8")
    code, text = check("--fix", "tokens", "--json")
    assert code == WRONG_USE and "cannot be mended from here" in text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--set", "data.resolutoin=3"], "Did you mean 'data.resolution'"),
        (["--fix", "blured"], "Did you mean 'blurred'"),
    ],
)
def test_wrong_use_is_answered_with_what_was_meant(check, words, sentence):
    code, text = check(*words, "--json")
    assert code == WRONG_USE and sentence in text


def test_a_missing_folder_ends_with_2(tmp_path, capsys):
    assert main(["check", str(tmp_path / "none")]) == WRONG_USE
    assert "There is no folder" in capsys.readouterr().err


def test_two_folders_are_mended_and_taken_back_each_by_itself(tmp_path, capsys):
    folders = [healthy_set(tmp_path / "one"), tmp_path / "two"]
    folders[1].mkdir()
    for number, folder in enumerate(folders):
        add(folder, f"soft {number}.png", blurred(drawn(70 + number)))
    words = ["check", *map(str, folders), "--set", "data.resolution=256", "--json"]
    assert main([*words, "--fix", "blurred"]) == SUCCESS
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert len(result["undo"]) == 2 and result["excluded"] == 2
    for id in result["undo"]:
        assert main([*words, "--undo", id]) == SUCCESS
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["excluded"] == 0


def test_the_base_says_what_is_too_small_and_what_is_not(check):
    def enlarged(*words):
        code = main(["check", str(check.folder), "--json", *words])
        return code, json.loads(check.printed().splitlines()[-1])

    _, found = enlarged("--base", "pocket")
    assert "enlarged" not in {finding["check"] for finding in found["findings"]}
    _, found = enlarged("--set", "base.family=sdxl")
    assert "enlarged" in {finding["check"] for finding in found["findings"]}
    assert enlarged("--base", "nowhere.safetensors")[0] == WRONG_USE
