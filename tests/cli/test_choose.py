import json

import pytest

from lora_trainer.cli.main import main
from tests.runs import run, values

WORD = "zorb"


@pytest.fixture(scope="module")
def folder(random_sd1, pictures, tmp_path_factory):
    """The folder of a run with two saves."""
    out = tmp_path_factory.mktemp("chosen")
    prompts = {"samples__prompts": ["a zorb, red", "a zorb, blue"], "samples__steps": 1}
    run(values(random_sd1, pictures, out, data__trigger_word=WORD, save__every=2, **prompts))
    return out


def said(capsys, *words):
    code = main([*map(str, words), "--json"])
    return code, json.loads(capsys.readouterr().out.splitlines()[-1])


def test_a_run_s_saves_are_drawn_scored_and_one_is_proposed(folder, capsys):
    code, answer = said(capsys, "choose", folder / "zorb.run", "--strengths", "0,0.8", "--models", folder / "none")
    assert code == 0 and answer["prompts"] == ["a zorb, red", "a zorb, blue", "red"]
    assert {cell["save"] for cell in answer["cells"]} == {"zorb-step000002.safetensors", "zorb.safetensors"}
    assert answer["judges"] == {"change": "pixels"} and answer["missing"][0]["code"] == "clip_model_missing"
    kept = json.loads((folder / "zorb.run" / "proposal.json").read_text(encoding="utf-8"))
    assert kept["proposal"] == answer["proposal"] and answer["proposal"]["step"] in (2, 4)
    assert (folder / "zorb.run" / "grid.png").is_file()


def test_a_grid_of_files_is_scored_also_where_strength_0_is_not_drawn(folder, random_sd1, pictures, capsys):
    sheet = folder / "sheet.png"
    prompts = ["--prompt", "a zorb", "--prompt", "red"]
    quick = [f"--set=samples.{option}" for option in ("steps=1", "width=64", "height=64")]
    drawn = ["--base", random_sd1, "--lora", folder / "zorb.safetensors", *prompts, *quick, "--strengths", "0.8"]
    scored = ["--score", "--word", WORD, "--data", pictures, "--models", folder / "none"]
    code, answer = said(capsys, "grid", *drawn, *scored, "--out", sheet)
    assert code == 0 and answer["cells"] == 2
    assert [cell["strength"] for cell in answer["verdict"]["cells"]] == [0.8]
    assert answer["verdict"]["cells"][0]["change"] > 0 and sheet.is_file()


def test_a_folder_that_is_no_run_s_is_a_sentence(tmp_path, capsys):
    code, answer = said(capsys, "choose", tmp_path)
    assert code == 1 and "no config.yaml" in answer["error"]


def test_a_model_that_is_named_and_not_there_is_told_before_anything_is_drawn(folder, capsys):
    code, answer = said(capsys, "choose", folder / "zorb.run", "--judge", "gone.pt", "--models", folder / "none")
    assert code == 1 and "'gone.pt' is not there" in answer["error"]
