from pathlib import Path

import pytest

from lora_trainer.accounts import Accounts
from lora_trainer.accounts.passwords import Cost
from lora_trainer.cli.main import SUCCESS, WRONG_USE, main


@pytest.fixture
def served(monkeypatch, tmp_path):
    """Runs `ui` without serving; gives the address and the roots of what a page may name."""
    from lora_trainer.ui import server

    made = {}

    def serve(desk, place, accounts):
        made.update(desk=desk, address=place.address, accounts=accounts)

    monkeypatch.setattr(server, "serve", serve)
    Accounts(tmp_path / "data" / ".train-lora", Cost(2**4, 1, 1)).add("root", "a long password", "admin")

    def run(*words):
        assert main(["ui", "--data", str(tmp_path / "data"), *words]) == SUCCESS
        return made["address"], made["desk"].datasets.roots

    run.made = made
    return run


@pytest.mark.parametrize("words", [[], ["--host", "localhost"], ["--host", "::1"], ["--host", "127.0.0.2"]])
def test_on_this_machine_alone_every_folder_may_be_opened(served, words):
    assert not served(*words)[1].limited


@pytest.mark.parametrize("words", [["--listen"], ["--host", "0.0.0.0"], ["--host", "::"], ["--host", "my.machine"]])
def test_where_others_can_reach_the_page_only_allowed_ones_may(served, words, tmp_path):
    address, roots = served(*words, "--lora-trainer-folder", str(tmp_path / "pictures"), "--lora-trainer-folder", "/b")
    assert address == (words[1] if len(words) > 1 else "0.0.0.0")
    for path in (
        "pictures/cats",
        "data/loras/a.safetensors",
        "data/.train-lora/datasets/cats",
        "data/.train-lora/runs",
    ):
        assert roots.allow(tmp_path / path), path
    assert roots.allow("/b/c") and not roots.allow(tmp_path) and not roots.allow(Path.home())


@pytest.mark.parametrize(("words", "asked"), [([], False), (["--sign-in"], True), (["--listen"], True)])
def test_a_sign_in_is_asked_for_unless_only_this_machine_can_come(served, monkeypatch, words, asked):
    from lora_trainer.ui import server

    seen = {}
    monkeypatch.setattr(server, "serve", lambda desk, place, accounts: seen.update(accounts=accounts))
    with pytest.raises(KeyError):
        served(*words)  # the fixture's own server was not begun
    assert (seen["accounts"] is not None) == asked


def test_a_path_that_all_lies_below_needs_a_proxy(tmp_path, capsys):
    assert main(["ui", "--data", str(tmp_path), "--root-path", "/trainer"]) == WRONG_USE
    assert "--behind-proxy" in capsys.readouterr().err


def test_the_server_s_model_is_on_the_first_device_that_is_named_and_runs_are_on_all(served, monkeypatch, capsys):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    served("--devices", "cpu, cpu")
    assert [place.name for place, _ in served.made["desk"].jobs.everywhere()] == ["cpu", "cpu (2)"]
    assert main(["ui", "--devices", "cpu,nowhere"]) != SUCCESS
    assert "--devices names 'nowhere'" in capsys.readouterr().err


def test_nobody_listens_to_others_before_there_is_an_account(tmp_path, capsys):
    assert main(["ui", "--data", str(tmp_path), "--listen"]) != SUCCESS
    assert "users add" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "times"), [([], 0), (["--go-on"], 1)])
def test_what_was_interrupted_goes_on_by_itself_where_it_is_told_to(served, monkeypatch, words, times):
    asked = []
    monkeypatch.setattr("lora_trainer.jobs.queue.Jobs.go_on", lambda jobs: asked.append(jobs))
    served(*words)
    assert len(asked) == times
