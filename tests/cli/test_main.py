"""The command line: what it is told, what it answers, and what it ends with."""

import json
import re
import shlex
import signal
from contextlib import nullcontext

import pytest

from lora_trainer import options
from lora_trainer.cli.main import FAILED, SUCCESS, WRONG_USE, main
from lora_trainer.events import Paused, Warned, to_json
from lora_trainer.training.step import Stepper
from tests.runs import draw_pictures

from .answers import answer


def test_a_training_ends_with_success_and_says_where_the_file_is(training, tmp_path, capsys):
    assert main(training) == SUCCESS
    result = answer(capsys)
    assert result["ok"] and result["path"] == str(tmp_path / "zorb.safetensors")
    assert (tmp_path / "zorb.safetensors").exists()


def test_base_data_and_name_suffice(random_sd1, pictures, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["train", "--base", str(random_sd1), "--data", str(pictures), "--name", "zorb", "--json"]
    assert main([*words, "--steps", "1", "--set", "data.resolution=64", "--set", "samples.steps=1"]) == SUCCESS
    assert (tmp_path / "out" / "zorb.safetensors").exists()


def test_a_failed_run_ends_with_1(training, tmp_path, capsys):
    folder = tmp_path / "empty"
    folder.mkdir()
    assert main([*training, "--data", str(folder), "--set", f"data.folders=[{folder}]"]) == FAILED
    assert "no pictures" in answer(capsys)["error"]


def test_a_run_that_a_full_disk_paused_ends_with_1_and_says_how_to_go_on(training, capsys, monkeypatch):
    events = [Paused(2, "The disk is full.")]
    monkeypatch.setattr("lora_trainer.train.train", lambda *given, **more: iter(events))
    assert main(training) == FAILED
    error = answer(capsys)["error"]
    assert "The disk is full." in error and "train --resume --name zorb" in error


def test_wrong_options_end_with_2_and_are_all_named(training, capsys):
    assert main([*training, "--set", "network.rnak=4", "--set", "optimizer.learning_rate=fast"]) == WRONG_USE
    problems = answer(capsys)["problems"]
    assert len(problems) == 2
    assert "Did you mean 'network.rank'?" in problems[0]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("trian", "Did you mean 'train'?"),
        ("", "COMMAND"),
        ("train --stepz 3", "Did you mean '--steps'?"),
        ("train a.yaml b.yaml", "one word too many"),
        ("train --base", "expected one argument"),
        ("grid --base pocket", "--lora"),
        ("options --form verse", "invalid choice"),
        ("train --set network.rank --set steps", "'steps' is not of the form"),
        ("train nowhere.yaml", "does not exist"),
        ("train --resume --name nobody", "no run"),
        ("merge a.safetensors=much --out b.safetensors", "FILE=STRENGTH"),
        ("merge a.safetensors --rank 0 --out b.safetensors", "at least 1"),
        ("resize a.safetensors --out b.safetensors", "--keep energy=0.95"),
        ("convert a.safetensors --out b", "must end in .safetensors"),
    ],
)
def test_wrong_words_end_with_2_and_one_json_object(words, sentence, capsys):
    assert main([*words.split(), "--json"]) == WRONG_USE
    result = answer(capsys)
    assert not result["ok"] and sentence in result["error"] and result["problems"]


def test_everything_wrong_is_told_at_once_whether_in_one_option_or_between_several(capsys):
    words = ["--set", "network.rank=0", "--set", "optimizer.name=adamm", "--set", "network.block_ranks={dwn.1: 4}"]
    words += ["--set", "optimizer.arguments={speed: 3}", "--base", "gone.safetensors"]
    assert main(["train", *words, "--json"]) == WRONG_USE
    problems = " ".join(answer(capsys)["problems"])
    for named in ("network.rank is 0", "'adamm'", "'dwn.1'", "gone.safetensors", "data.folders is not set"):
        assert named in problems


def test_a_block_that_the_base_lacks_is_told_with_the_rest_before_anything_is_encoded(training, capsys, monkeypatch):
    monkeypatch.setattr("lora_trainer.data.loader.Loader.prepare", lambda *given: pytest.fail("Encoded."))
    words = ["--set", "network.block_ranks={down.9: 4}", "--set", "network.rank=0"]
    assert main([*training, *words]) == WRONG_USE
    assert len(answer(capsys)["problems"]) == 2
    assert main([*training, *words[:2]]) == WRONG_USE
    assert "'down.9', which there is not" in answer(capsys)["error"]


@pytest.mark.parametrize(("error", "raised"), [(OSError(28, "No space left on device"), False), (KeyError("x"), True)])
def test_json_comes_last_however_a_command_breaks_off(monkeypatch, capsys, error, raised):
    def broken(arguments):
        raise error

    monkeypatch.setattr("lora_trainer.cli.reference.run", broken)
    with pytest.raises(KeyError) if raised else nullcontext():
        assert main(["options", "--json"]) == FAILED
    assert not answer(capsys)["ok"]


def press_ctrl_c(monkeypatch, times):
    """Ctrl+C while pictures are encoded."""

    def prepare(*arguments):
        for _ in range(times):
            signal.raise_signal(signal.SIGINT)
        yield 0, 1

    monkeypatch.setattr("lora_trainer.data.loader.Loader.prepare", prepare)


@pytest.mark.parametrize(
    ("presses", "sentence"), [(1, "no LoRA was written"), (2, "`train --resume --name zorb --output ")]
)
def test_ctrl_c_ends_a_run_with_1_and_a_sentence(training, tmp_path, monkeypatch, capsys, presses, sentence):
    press_ctrl_c(monkeypatch, presses)
    before = signal.getsignal(signal.SIGINT)
    assert main(training) == FAILED
    assert sentence in answer(capsys)["error"]
    assert signal.getsignal(signal.SIGINT) is before
    assert not (tmp_path / "zorb.safetensors").exists()


def test_a_run_that_ctrl_c_stopped_is_no_success_though_it_saved_and_says_how_to_go_on(
    training, tmp_path, monkeypatch, capsys
):
    take = Stepper.take

    def take_and_press(self, step, *given):
        if step == 1:
            signal.raise_signal(signal.SIGINT)
        return take(self, step, *given)

    monkeypatch.setattr(Stepper, "take", take_and_press)
    assert main([*training, "--steps", "4"]) == FAILED
    result = answer(capsys)
    assert (result["ok"], result["stopped"], result["step"]) == (False, True, 2)
    assert "Stopped after step 2 of 4" in result["error"] and (tmp_path / "zorb.safetensors").exists()
    command = re.search("`(train --resume .*)`", result["error"])[1]
    assert command == f"train --resume --name zorb --output {tmp_path}"
    monkeypatch.setattr(Stepper, "take", take)
    assert main([*shlex.split(command), "--json"]) == SUCCESS
    assert answer(capsys)["step"] == 4


def test_help_is_no_failure(capsys):
    assert main(["train", "--help"]) == SUCCESS
    assert "--resume" in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_is_a_sentence(training, tmp_path, capsys):
    occupied = tmp_path / "file"
    occupied.write_text("no folder", encoding="utf-8")
    assert main([*training, "--output", str(occupied)]) == FAILED
    assert "cannot be written" in answer(capsys)["error"]


def test_a_name_that_is_no_file_name_is_changed_and_told(training, tmp_path, capsys):
    assert main([*training, "--name", "my/猫: cat"]) == SUCCESS
    result = answer(capsys)
    assert result["path"] == str(tmp_path / "my_猫_ cat.safetensors")
    assert any("'my_猫_ cat' can" in warning["message"] for warning in result["warnings"])


def test_a_lora_scripts_file_runs_by_config_and_by_place(random_sd1, tmp_path, capsys):
    pictures = draw_pictures(tmp_path / "10_zorb", count=2)
    file = tmp_path / "lora.yaml"
    lines = [f"train_data_dir: {pictures}", f"base_model: {random_sd1}", f"output_dir: {tmp_path / 'made'}"]
    lines += ["lora_rank: 2", "batch_size: 2", "epochs: 1", "learning_rate: 1e-4", "save_steps: 5"]
    file.write_text("\n".join(lines), encoding="utf-8")
    quick = ["--set", "data.resolution=64", "--set", "samples.steps=1", "--json"]
    assert main(["train", "--config", str(file), *quick]) == SUCCESS
    result = answer(capsys)
    assert result["path"].endswith("zorb.safetensors")
    assert [path.rpartition("-")[2] for path in result["saves"][:1]] == ["step000005.safetensors"]
    assert main(["train", str(file), "--steps", "1", *quick]) == SUCCESS


def test_inspect_says_what_is_in_a_file(training, tmp_path, capsys):
    main(training)
    capsys.readouterr()
    assert main(["inspect", str(tmp_path / "zorb.safetensors")]) == SUCCESS
    page = capsys.readouterr().out
    assert "192" in page and "lora" in page
    assert main(["inspect", str(tmp_path / "zorb.safetensors"), "--json"]) == SUCCESS
    assert answer(capsys)["parts"] == {"unet": 192}


def test_diagnose_says_what_was_wrong_with_a_run_and_only_that(training, tmp_path, capsys):
    main(training)
    capsys.readouterr()
    assert main(["diagnose", str(tmp_path / "zorb.run")]) == SUCCESS
    assert "Nothing is known to be wrong" in capsys.readouterr().out
    values = {"step": 1, "batch": 4, "parts": "4 x 1", "at_a_time": 1}
    with (tmp_path / "zorb.run" / "events.jsonl").open("a", encoding="utf-8") as events:
        for event in (Warned("memory_batch", "Memory ran out.", 1, values), Paused(1)):
            events.write(json.dumps(to_json(event)) + "\n")
    assert main(["diagnose", str(tmp_path / "zorb.run"), "--json"]) == SUCCESS
    (advice,) = answer(capsys)["advice"]
    assert advice["code"] == "advice_out_of_memory" and advice["changes"]["data.batch_size"] == 1
    better = tmp_path / "better.yaml"
    assert main(["diagnose", str(tmp_path / "zorb.run"), "--out", str(better)]) == SUCCESS
    page = capsys.readouterr().out
    assert "--set data.batch_size=1 --set optimizer.accumulation=" in page and str(better) in page
    assert options.load(better).data.batch_size == 1 and options.load(better).save.name == "zorb"
    assert main(["diagnose", str(tmp_path), "--json"]) == FAILED and "events.jsonl" in answer(capsys)["error"]


COMMANDS_WITH_FILES = [
    "inspect GONE",
    "merge THERE GONE=0.5 --out new.safetensors",
    "merge THERE --into GONE --out new.safetensors",
    "resize GONE --rank 2 --out new.safetensors",
    "extract --base THERE --tuned GONE --out new.safetensors",
    "convert GONE --out new.safetensors",
    "grid --base GONE --lora THERE --prompt zorb",
    "grid --base pocket --lora THERE --lora GONE --prompt zorb",
]


@pytest.mark.parametrize(
    "line", [*COMMANDS_WITH_FILES, "ui --base GONE", "pocket --into GONE", "train GONE", "diagnose GONE"]
)
def test_a_file_that_is_not_there_is_wrong_use(line, tmp_path, capsys):
    (tmp_path / "broken.safetensors").write_bytes(b"no tensors")
    words = line.replace("GONE", str(tmp_path / "gone.safetensors")).replace(
        "THERE", str(tmp_path / "broken.safetensors")
    )
    assert main([*words.split(), "--json"]) == WRONG_USE
    result = answer(capsys)
    assert len(result["problems"]) == 1 and "gone.safetensors" in result["error"] and "exist" in result["error"]


@pytest.mark.parametrize("line", COMMANDS_WITH_FILES)
def test_a_file_that_is_there_and_broken_is_a_failed_run(line, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("one", "other"):
        (tmp_path / f"{name}.safetensors").write_bytes(b"no tensors")
    assert (
        main([*line.replace("GONE", "one.safetensors").replace("THERE", "other.safetensors").split(), "--json"])
        == FAILED
    )
    assert answer(capsys)["error"]
    assert not (tmp_path / "new.safetensors").exists()


def test_the_tools_work_from_the_command_line(training, tmp_path, capsys):
    main(training)
    source, small, both = (
        str(tmp_path / name) for name in ("zorb.safetensors", "small.safetensors", "both.safetensors")
    )
    assert main(["resize", source, "--rank", "1", "--out", small, "--json"]) == SUCCESS
    assert main(["merge", f"{source}=0.5", small, "--out", both, "--json"]) == SUCCESS
    assert (
        main(["convert", source, "--style", "diffusers", "--out", str(tmp_path / "d.safetensors"), "--json"]) == SUCCESS
    )
    capsys.readouterr()
    main(["inspect", both, "--json"])
    assert answer(capsys)["ranks"] == {"3": 192}
    assert main(["resize", source, "--keep", "energy", "--out", small, "--json"]) == WRONG_USE


def test_options_are_listed_in_three_forms(capsys):
    for form, beginning in (("text", "base.checkpoint"), ("markdown", "# Options"), ("yaml", "# All options")):
        assert main(["options", "--form", form]) == SUCCESS
        assert capsys.readouterr().out.startswith(beginning)
