import json

from lora_trainer.jobs.habits import Habits


def test_switches_stand_as_usual_until_they_are_turned(tmp_path):
    habits = Habits(tmp_path / "habits.json")
    assert habits.grid_at_end and not habits.goes_on
    habits.turn(goes_on=True)
    assert Habits(tmp_path / "habits.json").to_json() == {"grid_at_end": True, "goes_on": True}


def test_what_another_version_keeps_there_stays(tmp_path):
    file = tmp_path / "habits.json"
    file.write_text('{"hums": true, "grid_at_end": false}', encoding="utf-8")
    Habits(file).turn(goes_on=True)
    assert json.loads(file.read_text(encoding="utf-8")) == {"hums": True, "grid_at_end": False, "goes_on": True}


def test_switches_that_cannot_be_kept_hold_until_the_program_ends(tmp_path, caplog):
    (tmp_path / "data").write_text("a file in the way")
    habits = Habits(tmp_path / "data" / "habits.json")
    habits.turn(goes_on=True)
    assert habits.goes_on and "until the program ends" in caplog.text


def test_a_damaged_file_is_put_aside(tmp_path):
    file = tmp_path / "habits.json"
    file.write_bytes(b"\x00\x00")
    Habits(file).turn(goes_on=True)
    assert Habits(file).goes_on and len(list(tmp_path.glob("habits.json.damaged-*"))) == 1
