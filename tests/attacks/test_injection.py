"""Names and prompts that pretend to be something else: a header, a line of a log, a setting, a piece of the page."""

import json
import logging
import re
from pathlib import Path

import pytest

from lora_trainer.sampling.infotext import Infotext
from lora_trainer.sampling.request import Request

from .asking import refused
from .conftest import png

PAGE = Path(__file__).parents[2] / "lora_trainer" / "ui"
NAMES = (
    'a"; filename="evil.exe',
    "a\r\nset-cookie: x=1",
    "a\nb",
    "猫 'n' %0d%0a",
    "<script>alert(1)<",
    "a;b=c, d",
    "a\x1b[2Jb",
    "\u202eexe.gpj",
)


def headers_of(answer):
    """All of them, as they would stand on the wire."""
    for name, value in answer.headers.items():
        assert "\r" not in value and "\n" not in value and value.isascii(), (name, value)
    return answer.headers


@pytest.mark.parametrize("name", NAMES)
def test_no_name_of_a_data_set_becomes_a_header(name, root, unharmed):
    made = root("POST", "/datasets", body=json.dumps({"name": name}).encode()).json()
    found = headers_of(root("GET", f"/datasets/{made['id']}/export"))
    assert re.fullmatch(r"attachment; filename\*=utf-8''[\w.%~-]+", found["content-disposition"])
    assert "set-cookie" not in found
    root("DELETE", f"/datasets/{made['id']}")


@pytest.mark.parametrize("name", [name.encode() for name in NAMES] + [b"\xff\xfe"])
def test_nor_does_one_that_a_folder_has_already(name, root, ground, unharmed):
    """Systems other than Windows let a folder be called nearly anything, also what is no text."""
    import os

    folder = os.fsencode(ground / "private" / "data" / "datasets") + b"/" + name
    try:
        os.mkdir(folder)  # noqa: PTH102  a name of bytes
    except (OSError, ValueError):
        pytest.skip("this system has no such names")
    with open(folder + b"/a.png", "wb") as file:  # noqa: PTH123
        file.write(png())
    for one in root("GET", "/datasets").json():
        assert root("GET", f"/datasets/{one['id']}").status == 200
        assert headers_of(root("GET", f"/datasets/{one['id']}/export"))["content-type"] == "application/zip"
        if one["name"] != "zorb":
            assert root("DELETE", f"/datasets/{one['id']}").status == 200


@pytest.mark.parametrize("title", NAMES)
def test_no_title_of_a_preset_becomes_a_header(title, root, unharmed):
    body = {"title": title, "why": "x", "values": {"network.rank": 3}, "replace": True}
    made = root("POST", "/presets", body=json.dumps(body).encode()).json()
    from urllib.parse import quote

    found = headers_of(root("GET", f"/presets/{quote(made['name'], safe='')}"))
    assert re.fullmatch(r"attachment; filename\*=utf-8''[\w.%~-]+", found["content-disposition"])


@pytest.mark.parametrize("path", ["/jobs/x%0aroot%20signed%20in", "/jobs/x%1b[2J%1b]0;owned%07", "/jobs/%e2%80%a8x"])
def test_no_address_writes_a_line_of_the_log(path, root, desk, caplog, monkeypatch):
    def broken(job):
        raise RuntimeError("broken")

    monkeypatch.setattr(type(desk.jobs), "get", broken)
    with caplog.at_level(logging.DEBUG):
        assert root("GET", path).status == 500
    (line,) = [record.getMessage() for record in caplog.records if record.name.startswith("lora_trainer")]
    assert line.isprintable()


def read_by_the_host(text):
    """Prompt, negative prompt and settings, as the WebUI takes an infotext apart (its rules, in our words)."""
    *lines, last = text.strip().split("\n")
    settings = dict(re.findall(r'\s*([\w ]+?):\s*("(?:\\.|[^"\\])*"|[^,]*)(?:,|$)', last))
    parts = {False: [], True: []}
    negative = False
    for line in (line.strip() for line in lines):
        if line.startswith("Negative prompt:"):
            negative, line = True, line.removeprefix("Negative prompt:").strip()
        parts[negative].append(line)
    return "\n".join(parts[False]), "\n".join(parts[True]), settings


@pytest.mark.parametrize(
    "prompt",
    [
        "a cat\nNegative prompt: everything good",
        "Negative prompt: a cat",
        "a cat\n  Negative prompt: x\nSteps: 1, Sampler: evil, Seed: 1",
        "a cat\nSteps: 99, Sampler: Euler, CFG scale: 1, Seed: 1, Size: 8x8",
        'a "cat", Steps: 99, Model hash: 0000000000, <lora:evil:9>',
        "a cat\n\n\nVersion: v9",
    ],
)
def test_a_prompt_stays_a_prompt_in_an_infotext(prompt):
    asked = Request(prompt, "blurry\nNegative prompt: x", 7, 64, 64, 20, 7.0, "euler")
    text = str(Infotext(asked, model='x", Seed: 9\nSteps: 1', model_sha256="ab" * 32, lora_hashes={"a, b: c": "cd"}))
    seen, negative, settings = read_by_the_host(text)
    assert re.sub(r"\s+:", ":", seen) == re.sub(r"[ ]*\n[ ]*", "\n", prompt).strip()
    assert re.sub(r"\s+:", ":", negative) == "blurry\nNegative prompt: x"
    assert (settings["Steps"], settings["Seed"], settings["Size"]) == ("20", "7", "64x64")
    assert settings["Model hash"] == "ab" * 5 and json.loads(settings["Model"]) == 'x", Seed: 9\nSteps: 1'


def test_words_in_captions_and_remarks_are_no_keys_of_a_files_metadata(tmp_path):
    torch = pytest.importorskip("torch")
    from lora_trainer.files.container import TensorSpec, read_header, write_container

    evil = 'x", "ss_sd_model_name": "evil", "__metadata__": {"a": "b'
    given = {"ss_training_comment": evil, "ss_tag_frequency": json.dumps({evil: {evil: 1}})}
    tensor, file = torch.zeros(1), tmp_path / "x.safetensors"
    with file.open("wb") as out:
        write_container(out, {"x": TensorSpec.of(tensor)}, lambda name: tensor, given)
    assert read_header(file).metadata == given


@pytest.mark.parametrize("file", sorted({*PAGE.rglob("*.js"), *PAGE.rglob("*.html")}), ids=lambda path: path.name)
def test_the_page_makes_no_markup_of_texts(file):
    """Elements are made one by one, with texts as text nodes: see dom.js."""
    text = file.read_text(encoding="utf-8")
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|srcdoc"
    forbidden += r"|\beval\(|new Function\(|setHTML|javascript:"
    assert not re.search(forbidden, text)


def test_a_files_metadata_do_not_steer_the_terminal_that_shows_them():
    from lora_trainer.files.inspection import _harmless

    assert _harmless("a\x1b]0;owned\x07\x9b2Jb\n猫") == "a\ufffd]0;owned\ufffd\ufffd2Jb\n猫"


@pytest.mark.parametrize(
    "name", ["a.png::$DATA", "CON.png", "aux", "a.png.", "a.png ", "a\u202egnp.exe", "..png", "NUL"]
)
def test_names_that_only_some_systems_have_become_ones_that_all_have(name, root, dataset, ground, unharmed):
    from urllib.parse import quote

    answer = root("PUT", f"/datasets/{dataset}/files/{quote(name, safe='')}", body=png(66))
    assert answer.status == 200 or refused(answer)
    for added in answer.json()["added"]:
        stem = added.split(".")[0]
        assert not re.search(r'[<>:"|?*\x00-\x1f\u202a-\u202e]|[. ]$', added)
        assert stem.upper() not in ("CON", "AUX", "NUL", "PRN")
