"""The command line drives a server elsewhere: the same words, exit codes and last line of JSON."""

import _thread
import json
import threading

import pytest
from PIL import Image

from lora_trainer.accounts import Accounts
from lora_trainer.accounts.passwords import Cost
from lora_trainer.cli import following
from lora_trainer.cli.main import FAILED, SUCCESS, WRONG_USE, main
from lora_trainer.visitor import ADMIN
from tests.api.house import ENDLESS, made_desk
from tests.client.conftest import address as address  # a fixture
from tests.client.conftest import desk as desk  # a fixture
from tests.client.serving import application, served
from tests.jobs.conftest import wait_for


@pytest.fixture
def run(address, tmp_path, monkeypatch, capsys):
    """Runs a command against the server; its exit code and result."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LORA_TRAINER_SERVER", address)

    def command(*words):
        code = main([*words, "--json"])
        return code, json.loads(capsys.readouterr().out.splitlines()[-1])

    return command


def test_a_run_goes_from_pictures_here_to_a_file_here(run, desk, pictures, tmp_path):
    code, result = run("train", "--data", str(pictures), "--name", "my_cat", "--steps", "20", "--output", "loras")
    assert code == SUCCESS and result["ok"] and (result["step"], result["total_steps"]) == (20, 20)
    job = desk.jobs.get(result["job"])
    assert (tmp_path / "loras" / "my_cat.safetensors").read_bytes() == job.folder.lora.read_bytes()
    assert (tmp_path / result["path"]).is_file() and result["saves"] == ["my_cat.safetensors"]
    data_set = desk.datasets.get(job.record.dataset)
    assert data_set.name == "zorb" and data_set.count == 4 and set(data_set.captions().values()) != {""}


def test_a_data_set_of_the_server_s_is_trained_on_by_its_name(run, desk, pictures):
    code, sent = run("datasets", "upload", str(pictures), "cats")
    assert (code, sent["count"], sent["name"]) == (SUCCESS, 4, "cats")
    code, result = run("train", "--dataset", "cats", "--name", "x", "--steps", "3")
    assert code == SUCCESS and desk.jobs.get(result["job"]).record.dataset == sent["id"]
    assert [one["name"] for one in run("datasets", "list")[1]["datasets"]] == ["cats"]


def test_large_pictures_are_scaled_down_before_but_not_below_what_the_base_draws(run, desk, tmp_path):
    (tmp_path / "large").mkdir()
    Image.effect_noise((400, 300), 90).convert("RGB").save(tmp_path / "large" / "a.png")
    code, sent = run("datasets", "upload", "large", "--scale-for", "16")
    (item,) = desk.datasets.get(sent["id"]).items(64)
    assert code == SUCCESS and (item.width, item.height) == (128, 96)  # pocket draws 64 pixels; half as much again


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--name", "x"), "Name the pictures"),
        (("--data", "gone", "--name", "x"), "does not exist"),
        (("--dataset", "gone", "--name", "x"), "no data set 'gone'"),
        (("--data", ".", "--name", "x", "--base", "pocket"), "trains on its own"),
        (("--data", ".", "--name", "x", "--resume"), "jobs resume"),
    ],
)
def test_what_a_server_cannot_be_told_is_wrong_use(run, words, said):
    code, result = run("train", *words)
    assert code == WRONG_USE and said in result["error"]


def test_options_that_the_server_finds_wrong_are_wrong_use(run, pictures):
    code, result = run("train", "--data", str(pictures), "--name", "x", "--steps", "-1")
    assert code == WRONG_USE and "steps" in result["problems"][0]


def test_runs_are_listed_and_steered(run, desk, pictures):
    run("datasets", "upload", str(pictures), "cats")
    data_set = desk.datasets.list()[0].id
    job = desk.submit({"save.name": ENDLESS, "steps": 4}, data_set)
    wait_for(lambda: job.record.step > 0, 90)
    assert [one["id"] for one in run("jobs", "list")[1]["jobs"]] == [job.id]
    assert run("jobs", "pause", ENDLESS)[0] == SUCCESS
    wait_for(lambda: job.state == "paused", 90)
    assert run("jobs", "resume", job.id)[1]["job"]["id"] == job.id
    code, clone = run("jobs", "clone", ENDLESS, "--set", "save.name=second")
    assert (code, clone["job"]["name"]) == (SUCCESS, "second")
    assert run("jobs", "priority", "second", "3")[1]["job"]["priority"] == 3
    code, result = run("jobs", "watch", "second")  # it goes first now
    assert (code, result["state"], result["step"]) == (SUCCESS, "finished", 4)
    assert run("jobs", "more", "second", "2")[0] == SUCCESS
    second = desk.jobs.get(clone["job"]["id"])
    wait_for(lambda: second.record.step == 6 and job.state == "running", 90)
    assert run("jobs", "save", ENDLESS)[0] == SUCCESS
    wait_for(lambda: job.state == "stopped", 90)
    assert run("jobs", "download", ENDLESS)[1]["path"] == f"{ENDLESS}.safetensors"
    assert run("jobs", "delete", ENDLESS)[0] == WRONG_USE
    assert run("jobs", "delete", ENDLESS, "--yes")[0] == SUCCESS
    code, result = run("jobs", "show", ENDLESS)
    assert code == FAILED and "There is no run" in result["error"]


def test_past_runs_are_found_rated_compared_and_cleared_away(run, desk, pictures, capsys):
    run("datasets", "upload", str(pictures), "cats")
    for name, steps in (("first", 3), ("second", 4)):
        job = desk.submit({"save.name": name, "steps": steps}, desk.datasets.list()[0].id)
        wait_for(lambda: job.state == "finished", 90)  # noqa: B023  it is waited for at once
    assert [one["name"] for one in run("history", "list")[1]["runs"]] == ["second", "first"]
    assert run("history", "rate", "first", "4")[1]["run"]["rating"] == 4
    assert [one["name"] for one in run("history", "list", "4*")[1]["runs"]] == ["first"]
    assert run("history", "show", job.id)[1]["run"]["environment"] == {"device": "cpu"}
    (option,) = run("history", "compare", "first", "second")[1]["options"]
    assert (option["path"], option["values"]) == ("steps", [3, 4])
    assert run("history", "free", "first", "--samples")[1]["total"] > 0 and any(job.folder.samples.iterdir())
    code, freed = run("history", "free", "--all", "--samples", "--yes")
    assert code == SUCCESS and freed["total"] > 0 and not any(job.folder.samples.iterdir())
    assert run("history", "archive", "second")[1]["run"]["archived"]
    assert run("history", "show", "third")[0] == WRONG_USE
    code, kept = run("jobs", "publish", "first", "--strength", "0.8", "--as", "best")
    assert (code, kept["tag"]) == (SUCCESS, "<lora:best:0.8>") and (desk.host.lora_folder() / kept["file"]).is_file()
    assert main(["history", "show", "second"]) == SUCCESS and "put away" in capsys.readouterr().out


def test_a_run_that_is_stopped_elsewhere_is_no_success_but_its_save_is_fetched(run, desk, pictures):
    def stop():
        wait_for(lambda: any(job.record.step > 3 for job in desk.jobs.list()), 90)
        desk.jobs.list()[0].stop_and_save()

    threading.Thread(target=stop).start()
    code, result = run("train", "--data", str(pictures), "--name", ENDLESS, "--steps", "9")
    assert code == FAILED and result["state"] == "stopped" and result["path"].endswith(f"{ENDLESS}.safetensors")


@pytest.mark.parametrize("answer", ["s", ""])
def test_ctrl_c_asks_whether_the_run_is_to_stop_or_to_go_on(run, desk, pictures, monkeypatch, answer):
    def interrupt():
        wait_for(lambda: any(job.record.step > 3 for job in desk.jobs.list()), 90)
        _thread.interrupt_main()

    monkeypatch.setattr(following, "_is_to_stop", lambda: bool(answer))
    monkeypatch.setattr("lora_trainer.client.jobs.LONGEST_WAIT", 1)
    threading.Thread(target=interrupt).start()
    code, result = run("train", "--data", str(pictures), "--name", ENDLESS, "--steps", "9")
    assert code == FAILED
    if answer:
        assert result["state"] == "stopped"
    else:
        assert "jobs watch" in result["error"] and desk.jobs.get(result["job"]).state == "running"


def test_the_password_comes_from_the_environment_and_a_token_from_a_file(desk, tmp_path, monkeypatch, capsys):
    pytest.importorskip("jwt")
    accounts = Accounts(tmp_path / "accounts", Cost(2**4, 1, 1))
    accounts.add("ann", "correct horse battery", ADMIN)
    with served(application(desk, accounts)) as url:
        words = ["jobs", "list", "--server", url]
        assert main(words) == FAILED and "Sign in" in capsys.readouterr().err
        assert main([*words, "--user", "ann"]) == WRONG_USE and "LORA_TRAINER_PASSWORD" in capsys.readouterr().err
        monkeypatch.setenv("LORA_TRAINER_PASSWORD", "correct horse battery")
        assert main([*words, "--user", "ann"]) == SUCCESS
        client_token = tmp_path / "token"
        from lora_trainer.client import Client

        client = Client(url, "ann", "correct horse battery")
        client.visitor()
        client_token.write_text(client.server._token, encoding="utf-8")
        assert main([*words, "--token-file", str(client_token)]) == SUCCESS


def test_without_a_server_no_run_is_steered(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("LORA_TRAINER_SERVER", raising=False)
    assert main(["jobs", "pause", "x"]) == WRONG_USE and "--server URL" in capsys.readouterr().err
    assert main(["jobs", "list", "--data", str(tmp_path)]) == SUCCESS and "no run yet" in capsys.readouterr().out
    assert main(["jobs", "list", "--data", str(tmp_path / "gone")]) == WRONG_USE


def test_a_folder_s_runs_are_listed_while_a_program_runs_them(tmp_path, pictures, monkeypatch, capsys):
    monkeypatch.delenv("LORA_TRAINER_SERVER", raising=False)
    made = made_desk(tmp_path, data=tmp_path / ".train-lora")
    job = made.submit({"save.name": "mine", "steps": 3}, made.datasets.open_folder(str(pictures)).id)
    wait_for(lambda: job.state == "finished", 90)
    assert main(["jobs", "list", "--data", str(tmp_path)]) == SUCCESS
    assert capsys.readouterr().out.split() == [job.id, "finished", "3/3", "mine"]
    made.jobs.close()
