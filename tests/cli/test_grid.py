"""A grid from the command line: saves at strengths, for prompts and seeds."""

import pytest

from lora_trainer.cli.main import SUCCESS, WRONG_USE, main

from .answers import answer


def test_a_grid_has_a_sheet_and_every_cell_as_a_file(training, random_sd1, tmp_path, capsys):
    main(training)
    lora, images = tmp_path / "zorb.safetensors", tmp_path / "cells"
    words = [
        "grid",
        "--base",
        random_sd1,
        "--lora",
        lora,
        "--prompt",
        "a zorb",
        "--prompt",
        "a cat",
        "--strengths",
        "0,0.5",
    ]
    words += ["--seeds", "1,2", "--out", tmp_path / "grid.png", "--images", images, "--json"]
    words += ["--set", "samples.steps=1", "--set", "samples.width=64", "--set", "samples.height=64"]
    assert main([str(word) for word in words]) == SUCCESS
    names = {path.name for path in images.iterdir()}
    assert len(names) == 8 and {"zorb_s0_p1_1.png", "zorb_s0.5_p2_2.png"} <= names
    assert (tmp_path / "grid.png").exists()


@pytest.mark.parametrize(
    "wrong", [["--seeds", "1.5"], ["--strengths", "nan"], ["--strengths", ","], ["--out", "grid"], ["--lora", "gone"]]
)
def test_a_grid_is_refused_before_anything_is_drawn(wrong, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("lora_trainer.host.standalone.StandaloneHost.lend", lambda self: pytest.fail("Drawn."))
    words = ["grid", "--base", "pocket", "--prompt", "a cat", "--lora", str(tmp_path / "cat.safetensors")]
    (tmp_path / "cat.safetensors").touch()
    assert main([*words, *wrong, "--json"]) == WRONG_USE
    assert wrong[-1] in answer(capsys)["error"]
