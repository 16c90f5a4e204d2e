"""`recommend` and `estimate`."""

from __future__ import annotations

import json

import pytest

from lora_trainer import options
from lora_trainer.cli.main import FAILED, SUCCESS, WRONG_USE, main


@pytest.fixture
def words(random_sd1, pictures):
    return ["--base", str(random_sd1), "--data", str(pictures), "--name", "zorb", "--set", "data.resolution=64"]


def test_a_recommendation_is_a_file_that_trains_and_keeps_what_was_given(words, tmp_path, capsys):
    file = tmp_path / "zorb.yaml"
    assert main(["recommend", "--goal", "style", "--out", str(file), *words]) == SUCCESS
    config = options.load(file)
    assert config.data.resolution == 64 and config.network.conv_rank == 8
    assert "network.conv_rank" in capsys.readouterr().out


def test_an_estimate_is_told_in_a_sentence_and_as_numbers(words, capsys):
    assert main(["estimate", "--json", *words]) == SUCCESS
    *lines, last = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Needs about")
    assert json.loads(last)["activations"] > 0


def test_a_run_that_does_not_fit_is_no_success(words, capsys, monkeypatch):
    monkeypatch.setattr("lora_trainer.devices.memory_of", lambda device: (0, 1000))
    assert main(["estimate", *words]) == FAILED


def test_an_unknown_goal_is_wrong_use(words, capsys):
    assert main(["recommend", "--goal", "portrait", *words]) == WRONG_USE


def test_the_resolution_need_not_be_given(random_sd1, pictures, capsys):
    assert main(["recommend", "--goal", "object", "--base", str(random_sd1), "--data", str(pictures)]) == SUCCESS
    assert "enlarged" in capsys.readouterr().out  # the pictures are small


def test_a_step_is_tried_from_the_command_line(words, capsys):
    assert main(["estimate", "--probe", "--json", *words, "--steps", "50"]) == SUCCESS
    *lines, last = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Takes") and "50 steps about" in lines[0]
    assert json.loads(last)["seconds"]["total"] > 0


def test_what_fits_is_told_with_and_without_checkpointing(words, capsys):
    assert main(["estimate", "--fits", *words]) == SUCCESS
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()[1:]] == ["off", "all"]
