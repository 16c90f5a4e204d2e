"""Options that name files, classes and devices: from a page, only what the machine's own user allows."""

import json
import sys

import pytest

from .asking import refused

CLASSES = ("this.Zen", "os.system", "subprocess.Popen", "torch.optim.RAdam", "builtins.exec", "..", "a.b", "this.")
PLACES = (
    "base.vae",
    "data.metadata",
    "data.cache_folder",
    "network.train_on",
    "save.log_folder",
    "data.folders",
)
OUTSIDE = (
    "{outside}/secret.txt",
    "{private}/data/datasets/../../../outside/secret.txt",
    "{private}/data/datasets/zorb/../../../../outside/secret.txt",
    "/etc/passwd",
    "/dev/zero",
    "/proc/self/environ",
    "~/.ssh/id_rsa",
    "~root/.ssh",
    "\\\\203.0.113.9\\share\\x.safetensors",
    "//203.0.113.9/share/x.safetensors",
    "file:///etc/passwd",
    "https://evil.example/x.safetensors",
    "C:\\Windows\\win.ini",
    "C:x",
    "{private}/data/datasets\0/etc/passwd",
    "{private}/data/jobs.sqlite3",
    "{private}/data/notices",
    "secret.txt",
)
BEGINNING = ("/jobs", "/check", "/estimate", "/recommend", "/probes", "/fits", "/regularizations/usual")


@pytest.fixture
def given(dataset):
    def given(**values):
        return json.dumps({"values": {"save.name": "x", "steps": 1, **values}, "dataset": dataset}).encode()

    return given


def problems(answer):
    """The codes of what is wrong."""
    if answer.status == 200:
        return {problem["code"] for problem in answer.json()["problems"]}
    return {answer.json()["error"]["code"], *(problem["code"] for problem in answer.json()["problems"])}


@pytest.mark.parametrize("route", BEGINNING)
@pytest.mark.parametrize("name", CLASSES)
def test_no_class_is_imported_for_a_page(route, name, root, given, unharmed):
    answer = root("POST", route, body=given(**{"optimizer.name": name}))
    assert "outside_optimizer" in problems(answer)
    assert "this" not in sys.modules


@pytest.mark.parametrize("path", PLACES)
def test_no_option_names_a_file_elsewhere(path, root, given, ground, unharmed):
    for outside in OUTSIDE:
        place = outside.format(private=ground / "private", outside=ground / "outside")
        value = [place] if path != "data.folders" else [{"path": "ok"}, {"path": place}]
        for route in BEGINNING:
            answer = root("POST", route, body=given(**{path: value if path == "data.folders" else place}))
            assert "path_not_allowed" in problems(answer), (place, answer)


@pytest.mark.parametrize("name", ["this.Zen", "os.system"])
def test_neither_a_clone_nor_a_preset_imports_a_class(name, root, job, unharmed):
    clone = root("POST", f"/jobs/{job}/clone", body=json.dumps({"values": {"optimizer.name": name}}).encode())
    assert "outside_optimizer" in problems(clone)
    text = f"title: x\nwhy: x\nvalues:\n  optimizer: {{name: {name}}}\n"
    shared = root("POST", "/presets/import", body=json.dumps({"text": text, "source": "x.yaml"}).encode())
    assert "preset_optimizer" in problems(shared)
    assert "this" not in sys.modules


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['id']",
        "values: !!python/name:os.system",
        "a: &a [x]\nb: [*a, *a]",
        "<<: {title: x}",
        "[" * 3000,
        "{a: " * 500,
        "- " * 5000,
        "\x00",
        "%TAG ! tag:evil,2000:\n--- !x",
        "steps: " + "9" * 5000,
        "1:" * 3000,
        'title: "\\ud800"\nwhy: x\nvalues: {network: {rank: 3}, optimizer: {arguments: {x: "\\ud800"}}}',
    ],
)
def test_yaml_from_anybody_is_values_or_a_sentence(text, root, unharmed):
    for answer in (
        root("POST", "/yaml/read", body=text.encode()),
        root("POST", "/presets/import", body=json.dumps({"text": text, "source": "../x"}).encode()),
        root("PUT", "/vocabularies/evil", body=json.dumps({"text": text}).encode()),
    ):
        assert answer.status == 200 or refused(answer), answer


@pytest.mark.parametrize("name", ["../x", "a/b", "CON", "x\0", "..", "", "x" * 300, "<b>", "a\nb", "NUL.txt", "x:y"])
def test_a_lora_has_a_name_and_no_path(name, root, given, ground, unharmed):
    answer = root("POST", "/jobs", body=given(**{"save.name": name, "save.output": str(ground / "outside")}))
    assert answer.status == 200 or refused(answer), answer
    if answer.status == 200:
        root("DELETE", f"/jobs/{answer.json()['id']}")


@pytest.mark.parametrize("device", ["/dev/null", "cuda:999999", "cpu; rm -rf", "../cpu", "cuda:" + "9" * 500])
def test_a_device_is_one_that_there_is(device, root, given, unharmed):
    answer = root("POST", "/check", body=given(**{"memory.device": device}))
    assert answer.status == 200 and answer.json()["problems"], answer


@pytest.mark.parametrize("model", ["../../../outside", "/etc/passwd", "C:\\x", "//203.0.113.9/x", "~root", "a\0b"])
def test_a_captioner_takes_no_model_from_elsewhere(model, root, dataset, unharmed):
    for captioner in ("wd14", "clip", "image_to_text", "../wd14"):
        given = {"dataset": dataset, "captioner": captioner, "model": model}
        assert refused(root("POST", "/captionings", body=json.dumps(given).encode()))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:7860/",
        "https://localhost/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://user@127.0.0.1/",
        "file:///etc/passwd",
        "gopher://evil.example:25/",
        "https://evil.example:22/",
        "https://evil.example\r\nx: y/",
    ],
)
def test_notices_go_to_no_address_inside(url, root, unharmed):
    body = json.dumps({"kind": "webhook", "name": "x", "values": {"url": url}}).encode()
    assert refused(root("POST", "/notices", body=body))
