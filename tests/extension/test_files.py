"""The files that a WebUI looks for beside the package."""

import argparse
import ast
import configparser
import json
from types import SimpleNamespace

import pytest

from lora_trainer.extension.stamp import ROOT
from lora_trainer.host.webui.flags import flags_of


def load(name):
    names = {}
    exec((ROOT / name).read_text(encoding="utf-8"), names)
    return names


def test_the_flags_of_the_extension_are_read_again():
    parser = argparse.ArgumentParser()
    load("preload.py")["preload"](parser)
    flags = flags_of(parser.parse_args(["--lora-trainer-folder", "/a", "--lora-trainer-folder", "/b c"]))
    assert [folder.as_posix() for folder in flags.folders] == ["/a", "/b c"]
    assert not flags.listens and flags.api_auth == {}


def test_accounts_are_read_as_the_webui_reads_them():
    assert flags_of(SimpleNamespace(api_auth="a:b,c:d")).api_auth == {"a": "b", "c": "d"}
    assert flags_of(SimpleNamespace(api_auth=None)).api_auth == {}


def test_the_accounts_of_the_page_and_the_admins_among_them_are_read(tmp_path):
    file = tmp_path / "accounts"
    file.write_text("bob:b,cy:c:c\n\n dan:d\n", encoding="utf-8")
    given = SimpleNamespace(gradio_auth="ann:a", gradio_auth_path=str(file), lora_trainer_admin=["bob"])
    found = flags_of(given)
    assert list(found.page_auth.items()) == [("ann", "a"), ("bob", "b"), ("cy", "c:c"), ("dan", "d")]
    assert found.admins == ("bob",) and flags_of(SimpleNamespace()).page_auth == {}


def test_a_webui_that_others_can_reach_is_known_as_such():
    assert flags_of(SimpleNamespace(listen=True)).listens
    assert flags_of(SimpleNamespace(server_name="0.0.0.0")).listens
    assert flags_of(SimpleNamespace(nowebui=True)).listens
    assert not flags_of(SimpleNamespace(listen=False)).listens


@pytest.mark.parametrize(
    ("name", "value", "listens"),
    [
        ("GRADIO_SERVER_NAME", "0.0.0.0", True),
        ("GRADIO_SERVER_NAME", "::", True),
        ("GRADIO_SERVER_NAME", "127.0.0.1", False),
        ("GRADIO_SERVER_NAME", "localhost", False),
        ("GRADIO_SHARE", "True", True),
    ],
)
def test_gradio_s_own_variables_count_too(monkeypatch, name, value, listens):
    monkeypatch.setenv(name, value)
    assert flags_of(SimpleNamespace()).listens is listens


def test_the_localizations_under_all_names_say_the_same():
    texts = [json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "localizations").glob("*.json")]
    assert len(texts) == 5 and all(text == texts[0] for text in texts)
    assert "Train LoRA" in texts[0]


def test_the_metadata_can_be_read():
    metadata = configparser.ConfigParser()
    metadata.read(ROOT / "metadata.ini", encoding="utf-8")
    assert metadata["Extension"]["Name"] == "train-lora"


def test_the_script_imports_nothing_heavy_when_the_webui_loads_it():
    tree = ast.parse((ROOT / "scripts" / "lora_trainer_tab.py").read_text(encoding="utf-8"))
    imported = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert imported == {"__future__", "html", "gradio", "modules", "pathlib"}
