"""`notify` and `train --notify`, on the command line."""

import io
import json

import pytest

from lora_trainer.cli import notify
from lora_trainer.cli.main import main, parse
from lora_trainer.errors import TrainingError
from tests.notices.servers import web_server

SECRET = "s3cret"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(capsys, *words):
    code = main([*words, "--json"])
    shown = capsys.readouterr()
    assert SECRET not in shown.out + shown.err
    return code, json.loads(shown.out.strip().splitlines()[-1])


def add(capsys, monkeypatch, address, *more):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"url={address}/{SECRET}\n"))
    return run(capsys, "notify", "add", "webhook", "--name", "phone", "--secrets", "-", *more)


def test_a_channel_is_added_listed_tried_and_removed(capsys, monkeypatch):
    with web_server() as (address, posted):
        assert add(capsys, monkeypatch, address)[0] == 0
        assert run(capsys, "notify", "test", "phone")[0] == 0 and posted[0][0] == f"/{SECRET}"
    code, result = run(capsys, "notify", "test", "phone")
    assert code == 1 and "could not be reached" in result["error"]
    (listed,) = run(capsys, "notify", "list")[1]["channels"]
    assert (listed["name"], listed["outcome"]["ok"]) == ("phone", False)
    assert run(capsys, "notify", "remove", "phone")[0] == 0
    assert run(capsys, "notify", "list")[1]["channels"] == []


def test_what_is_written_is_read_by_people(capsys, monkeypatch):
    add(capsys, monkeypatch, "https://example.com")
    assert main(["notify", "list"]) == 0
    assert "phone (webhook): https://example.com/…" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [["add", "pigeon"], ["add", "webhook"], ["test", "nobody"], ["remove", "nobody"]],
)
def test_wrong_use_is_a_sentence(capsys, monkeypatch, words):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    code, result = run(capsys, "notify", *words)
    assert code == 2 and result["error"]


def test_a_run_tells_of_its_end_also_where_it_failed_before_it_began(capsys, monkeypatch):
    with web_server() as (address, posted):
        add(capsys, monkeypatch, address, "--when", "finished", "--when", "failed")
        arguments = parse(["train", "mine.yaml", "--notify"])
        with notify.told(arguments, "zorb") as result:
            result |= {"ok": True, "step": 40, "total_steps": 40, "seconds": 65.0, "loss": 0.125}
        with pytest.raises(TrainingError), notify.told(arguments, "zorb"):
            raise TrainingError("The disk is full.")
        with notify.told(parse(["train", "mine.yaml"]), "silent"):
            pass
    finished, failed = (json.loads(body) for _, _, body in posted)
    assert finished["text"] == "40 of 40 steps in 1:05, smoothed loss 0.1250."
    assert (failed["occasion"], failed["text"]) == ("failed", "The disk is full.")
