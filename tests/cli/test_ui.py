from pathlib import Path

import pytest

from lora_trainer.cli.main import SUCCESS, main


@pytest.fixture
def served(monkeypatch, tmp_path):
    """Runs `ui` without serving; gives the address and the roots of what a page may name."""
    from lora_trainer.ui import server

    made = {}
    monkeypatch.setattr(server, "serve", lambda desk, address, port: made.update(desk=desk, address=address))

    def run(*words):
        assert main(["ui", "--data", str(tmp_path / "data"), *words]) == SUCCESS
        return made["address"], made["desk"].datasets.roots

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
