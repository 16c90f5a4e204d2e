"""`serve`: people sign in wherever they come from, and what cannot be served is said before anything starts."""

import pytest

from lora_trainer.accounts import Accounts
from lora_trainer.accounts.passwords import Cost
from lora_trainer.cli.main import FAILED, SUCCESS, WRONG_USE, main


@pytest.fixture
def went_on():
    """Whatever goes on by itself."""
    return []


@pytest.fixture
def desks():
    """What would be served."""
    return []


@pytest.fixture
def served(monkeypatch, tmp_path, went_on, desks):
    """Runs `serve` without serving; gives the exit code, and where and for whom it would be."""
    from lora_trainer.jobs import queue
    from lora_trainer.ui import server

    made = []

    def serve(desk, place, accounts):
        desks.append(desk)
        made.append((place, accounts))

    monkeypatch.setattr(server, "serve", serve)
    monkeypatch.setattr(queue.Jobs, "go_on", lambda self: went_on.append(self))
    Accounts(tmp_path / ".train-lora", Cost(2**4, 1, 1)).add("root", "a long password", "admin")

    def run(*words):
        code = main(["serve", "--data", str(tmp_path), *words])
        return code, *(made.pop() if made else (None, None))

    return run


def test_it_is_open_to_the_network_and_everybody_signs_in(served, capsys):
    code, place, accounts = served()
    assert (code, place.address, place.port, place.any_port) == (SUCCESS, "0.0.0.0", 7870, False)
    assert accounts is not None and "as they are" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "address"),
    [
        (["--behind-proxy", "127.0.0.1"], "127.0.0.1"),
        (["--behind-proxy", "127.0.0.1", "--behind-proxy", "::1"], "127.0.0.1"),
        (["--behind-proxy", "10.0.0.0/8"], "0.0.0.0"),
        (["--behind-proxy", "127.0.0.1", "--host", "10.1.2.3"], "10.1.2.3"),
        (["--host", "127.0.0.1"], "127.0.0.1"),
    ],
)
def test_behind_a_proxy_of_this_machine_it_listens_here_alone(served, words, address, capsys):
    _, place, accounts = served(*words, "--root-path", "/trainer/")
    assert (place.address, place.root_path, accounts is not None) == (address, "/trainer", True)
    assert "as they are" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--key", "a.key"], WRONG_USE, "needs --certificate"),
        (["--certificate", "none.pem"], FAILED, "none.pem"),
        (["--certificate", "none.pem", "--key-password-from", "NO_SUCH"], WRONG_USE, "NO_SUCH"),
        (["--behind-proxy", "proxy.example"], WRONG_USE, "proxy.example"),
        (["--root-path", "trainer"], WRONG_USE, "/trainer"),
        (["--base", "none.safetensors"], WRONG_USE, "none.safetensors"),
    ],
)
def test_what_cannot_be_served_is_said(served, capsys, words, code, said):
    assert served(*words) == (code, None, None)
    assert said in capsys.readouterr().err


def test_a_certificate_that_ends_soon_is_told(served, tmp_path, capsys):
    trustme = pytest.importorskip("trustme", reason="trustme is not installed")
    import datetime

    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=3)
    made = trustme.CA().issue_cert("localhost", not_after=soon)
    made.private_key_and_cert_chain_pem.write_to_path(tmp_path / "one.pem")
    code, place, _ = served("--certificate", str(tmp_path / "one.pem"))
    assert (code, place.scheme) == (SUCCESS, "https") and "expires in 2 days" in capsys.readouterr().out


@pytest.mark.parametrize(("words", "times"), [([], 1), (["--wait"], 0)])
def test_what_was_interrupted_goes_on_by_itself_unless_somebody_is_waited_for(served, went_on, words, times):
    assert served(*words)[0] == SUCCESS and len(went_on) == times


@pytest.mark.parametrize(
    ("words", "runner"),
    [((), "OwnProcessRunner"), (("--in-place",), "InPlaceRunner"), (("--devices", "cpu,cpu"), "OwnProcessRunner")],
)
def test_runs_have_processes_of_their_own_unless_they_are_wanted_in_the_server_s(served, desks, words, runner):
    served(*words)
    (desk,) = desks
    assert type(desk.jobs.workers.places[0].runner).__name__ == runner


def test_without_an_account_it_does_not_start(tmp_path, capsys):
    assert main(["serve", "--data", str(tmp_path)]) == FAILED
    assert "users add" in capsys.readouterr().err
