"""No request makes the trainer read or write where it may not, on a machine that others can reach."""

import pytest

from lora_trainer.datasets import Roots


@pytest.fixture
def limited(desk, monkeypatch):
    monkeypatch.setattr(desk.datasets, "roots", Roots([desk.datasets.folder]))


def test_a_folder_elsewhere_is_neither_opened_nor_looked_for(client, limited, tmp_path):
    for path in (tmp_path, tmp_path / "nothing"):
        answer = client.post("datasets", json={"path": str(path)})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "folder_not_allowed")


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"base": {"vae": "/etc/passwd"}}, "base.vae"),
        ({"network": {"train_on": "//server/share/a.safetensors"}}, "network.train_on"),
        ({"data": {"metadata": "/etc/passwd"}}, "data.metadata"),
        ({"metadata_path": "/etc/passwd"}, "data.metadata"),
        ({"data": {"folders": [{}, "/etc"]}}, "data.folders[1]"),
        ({"data.cache_folder": "/srv"}, "data.cache_folder"),
        ({"output_dir": "/srv"}, "save.output"),
    ],
)
def test_no_option_names_a_place_that_is_not_allowed(client, dataset, limited, values, path):
    body = {"values": values, "dataset": dataset}
    problems = client.post("check", json=body).json()["problems"]
    assert [(problem["path"], problem["code"]) for problem in problems] == [(path, "path_not_allowed")]
    for route in ("jobs", "recommend", "estimate", f"datasets/{dataset}/health"):
        answer = client.post(route, json=body)
        assert (answer.status_code, answer.json()["problems"][0]["code"]) == (422, "path_not_allowed"), route


def test_without_a_data_set_no_folder_is_named_either(client, limited):
    problems = client.post("check", json={"values": {"train_data_dir": "/etc"}}).json()["problems"]
    assert [(problem["path"], problem["code"]) for problem in problems] == [("data.folders[0]", "path_not_allowed")]


def test_what_the_host_itself_decides_is_allowed(client, dataset, limited):
    values = {"base": {"checkpoint": "/etc/passwd"}, "save": {"name": "a"}, "data": {"resolution": 64}}
    assert client.post("check", json={"values": values, "dataset": dataset}).json()["problems"] == []
