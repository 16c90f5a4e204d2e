import json

import pytest

from lora_trainer.cli.main import main
from lora_trainer.jobs.record import Record
from lora_trainer.jobs.store import JobStore
from tests.history.made import made


@pytest.fixture
def history(tmp_path, capsys):
    """Runs the command on a folder of `train` with two runs and the page's with one; its JSON."""
    for name, rank in (("cat", 4), ("dog", 8)):
        made(tmp_path / "out", name, network__rank=rank)
    private = tmp_path / "data" / ".train-lora"
    record = Record("20260101-000000-aaaa", "face", {}, {"save": {"name": "face"}}, state="finished", created=1.0)
    made(private / "runs" / record.id, "face")
    store = JobStore(private)
    store.put(record)
    yield call(tmp_path, capsys)
    store.close()


def call(folder, capsys):
    def run(action, *words, code=0):
        places = ["--data", str(folder / "data"), "--out", str(folder / "out")]
        assert main(["history", action, *words, *places, "--json"]) == code
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    return run


def test_runs_of_train_and_of_the_page_are_listed_together_also_while_the_page_runs(history):
    assert {run["name"] for run in history("list")["runs"]} == {"cat", "dog", "face"}
    assert [run["name"] for run in history("list", "face", "finished")["runs"]] == ["face"]


def test_stars_remarks_and_putting_away_are_kept(history):
    history("rate", "cat", "4"), history("comment", "face", "too dark"), history("archive", "dog")
    runs = {run["name"]: run for run in history("list", "--archived", "all")["runs"]}
    assert (runs["cat"]["rating"], runs["face"]["comment"], runs["dog"]["archived"]) == (4, "too dark", True)
    assert len(history("list")["runs"]) == 2
    history("archive", "dog", "--undo")
    assert len(history("list")["runs"]) == 3


def test_runs_are_compared_by_name_id_or_folder(history, tmp_path):
    told = history("compare", "cat", str(tmp_path / "out" / "dog.run"))
    assert [(one["path"], one["values"]) for one in told["options"]] == [("network.rank", [4, 8])]
    assert history("show", "20260101-000000-aaaa")["run"]["name"] == "face"


def test_room_is_made_only_with_yes(history, tmp_path):
    states = tmp_path / "out" / "cat.run" / "state"
    assert history("free", "cat", "--states")["total"] == 5000 and any(states.iterdir())
    assert history("free", "--all", "--states", "--yes")["total"] == 15000 and not any(states.iterdir())


def test_wrong_use_is_a_sentence(history):
    assert "history list" in history("show", "nobody", code=2)["error"]
    assert "--states" in history("free", "cat", code=2)["error"]


def test_people_read_a_table(history, tmp_path, capsys):
    places = ["--data", str(tmp_path / "data"), "--out", str(tmp_path / "out")]
    assert main(["history", "compare", "cat", "dog", *places]) == 0
    assert "network.rank  4         8" in capsys.readouterr().out
    assert main(["history", "free", "cat", "--states", *places]) == 0
    assert "Nothing is deleted yet" in capsys.readouterr().out
