import json

from lora_trainer.config import TrainConfig
from lora_trainer.events import Saved, Warned
from lora_trainer.run_folder import EventLog, RunFolder


def folder_with_saves(tmp_path):
    folder = RunFolder(tmp_path, "cat")
    folder.create(TrainConfig(), {"device": "cpu"})
    for path in (folder.lora, folder.save_path(100), folder.save_path(50)):
        path.write_bytes(b"lora")
    return folder


def test_the_files_have_the_names_that_others_script_against(tmp_path):
    folder = RunFolder(tmp_path, "cat")
    assert folder.lora.name == "cat.safetensors"
    assert folder.save_path(100).name == "cat-step000100.safetensors"
    assert folder.path.name == "cat.run"
    assert folder.events.name == "events.jsonl"


def test_saves_are_listed_oldest_first_without_other_files(tmp_path):
    folder = folder_with_saves(tmp_path)
    (tmp_path / "cat-stepmother.safetensors").write_bytes(b"another")
    assert [path.name for path in folder.saves()] == ["cat-step000050.safetensors", "cat-step000100.safetensors"]


def test_an_earlier_run_is_put_aside_whole(tmp_path):
    folder = folder_with_saves(tmp_path)
    assert folder.put_aside() == tmp_path / "cat.run-1"
    assert sorted(path.name for path in (tmp_path / "cat.run-1").iterdir()) == [
        "cat-step000050.safetensors",
        "cat-step000100.safetensors",
        "cat.safetensors",
        "run",
    ]
    assert folder.put_aside() is None
    folder_with_saves(tmp_path)
    assert folder.put_aside() == tmp_path / "cat.run-2"


def test_events_after_the_resumed_step_are_forgotten_and_half_lines_too(tmp_path):
    folder = RunFolder(tmp_path, "cat")
    folder.path.mkdir()
    log = EventLog(folder.events)
    for step in (0, 50, 60):
        log.write(Warned("note", "ü", step))
    log.write(Saved(60, "x", "y"))
    log.close()
    with folder.events.open("a", encoding="utf-8") as file:
        file.write('{"kind": "st')
    folder.truncate_events(50)
    lines = [json.loads(line) for line in folder.events.read_text(encoding="utf-8").splitlines()]
    assert [line["step"] for line in lines] == [0, 50]
    assert list(folder.read_events()) == [Warned("note", "ü", 0), Warned("note", "ü", 50)]
