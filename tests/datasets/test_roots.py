"""Where others can reach the page, paths lead only to what was allowed, and nothing is told of all else."""

import ntpath
import posixpath
import re
from types import SimpleNamespace

import pytest

from lora_trainer import options
from lora_trainer.config import Folder
from lora_trainer.datasets import Roots, roots_of
from lora_trainer.datasets.roots import below, places
from lora_trainer.errors import ConfigError, DataError

NO_PLACES = {
    "data.folders",  # each of them is one
    "base.family",
    "base.prediction_type",
    "base.zero_terminal_snr",
    "data.caption_extensions",
    "data.caption_fallback",
    "data.masks",
    "data.cache_dtype",
    "save.dtype",
    "save.comment",
    "save.tensorboard",
    "save.name",
}
"""Options whose help speaks of files or folders, but whose value names none."""


@pytest.fixture
def allowed(tmp_path):
    folder = tmp_path / "allowed"
    (folder / "cats").mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    return folder


@pytest.fixture
def roots(allowed):
    return Roots([allowed])


def test_without_limits_everything_is_allowed(tmp_path):
    assert Roots().allow("/etc/passwd") and Roots().allow(tmp_path) and not Roots().limited


def test_only_what_lies_below_an_allowed_folder_is(roots, allowed, monkeypatch):
    assert roots.limited and roots.allow(allowed) and roots.allow(allowed / "cats") and roots.allow(allowed / "new")
    for path in ("/", "/etc", allowed.parent, f"{allowed}-2", f"{allowed}/../secret", "", "~", f"{allowed}/\0"):
        assert not roots.allow(path), path
    monkeypatch.chdir(allowed)
    assert roots.allow("cats") and not roots.allow("../secret")


def test_links_count_as_what_they_lead_to(roots, allowed):
    (allowed / "out").symlink_to(allowed.parent / "secret")
    (allowed.parent / "in").symlink_to(allowed)
    assert not roots.allow(allowed / "out") and not roots.allow(allowed / "out" / "1.png")
    assert Roots([allowed.parent / "in"]).allow(allowed / "cats")
    assert Roots([allowed.parent / "in"]).allow(allowed.parent / "in" / "cats")


def test_the_disk_is_not_asked_about_what_is_not_allowed(roots, monkeypatch):
    from lora_trainer.datasets import roots as module

    asked = []
    monkeypatch.setattr(module.os.path, "realpath", lambda path: asked.append(str(path)) or str(path))
    assert not roots.allow("//elsewhere/share/pictures")
    assert not any("elsewhere" in path for path in asked)


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("C:\\pics\\cats", True),
        ("c:/PICS/cats", True),
        ("C:\\pics", True),
        ("C:\\pics\\..\\secret", False),
        ("C:\\pics2", False),
        ("D:\\pics\\cats", False),
        ("\\\\server\\share\\pics", False),
        ("\\\\?\\C:\\secret", False),
        ("\\\\.\\C:\\pics", False),
        ("//server/pics", False),
    ],
)
def test_drives_and_shares_are_told_apart_on_windows(path, inside):
    assert below(path, "C:\\pics", ntpath) is inside


def test_a_share_of_windows_can_be_allowed():
    assert below("\\\\SERVER\\pics\\cats", "\\\\server\\pics", ntpath)
    assert below("/a", "/", posixpath)


def test_every_option_that_names_a_file_or_folder_is_known_as_one():
    speaking = {option.path for option in options.walk() if re.search(r"\b(files?|folders?)\b", option.help, re.I)}
    known = {option.path for option in options.walk() if option.place}
    assert speaking - known <= NO_PLACES
    assert Folder.__dataclass_fields__["path"].metadata["place"]


def test_options_are_refused_each_with_its_sentence(roots, allowed):
    values = {
        "base": {"checkpoint": "/the/hosts.safetensors", "vae": "/etc/vae.pt"},
        "data": {"folders": [str(allowed / "cats"), "/home/ann"], "metadata": "/x.csv", "cache_folder": "/tmp/c"},
        "network": {"train_on": f"{allowed}/../secret/a.safetensors"},
        "save": {"output": "/srv", "log_folder": str(allowed)},
    }
    with pytest.raises(ConfigError) as caught:
        roots.check(options.build(values), known=["/the/hosts.safetensors"])
    assert {problem.values["path"] for problem in caught.value.problems} == {
        "base.vae",
        "data.folders[1]",
        "data.metadata",
        "data.cache_folder",
        "network.train_on",
        "save.output",
    }
    Roots().check(options.build(values))


def test_default_values_are_nobody_s_choice():
    assert [path for path, _ in places(options.build({}))] == []


def test_a_host_s_models_data_sets_and_runs_are_always_allowed(tmp_path):
    host = SimpleNamespace(
        data_folder=lambda: tmp_path / "data",
        lora_folder=lambda: tmp_path / "loras",
        model_folders=lambda: [tmp_path / "models"],
    )
    roots = roots_of(host, [tmp_path / "more"], listens=True)
    for inside in ("data/datasets/cats", "data/runs/1/a.safetensors", "models/vae.pt", "more/pictures"):
        assert roots.allow(tmp_path / inside), inside
    assert not roots.allow(tmp_path / "data" / "habits.json") and not roots.allow(tmp_path)
    del host.model_folders
    assert roots_of(host, [], listens=True).allow(tmp_path / "loras" / "a.safetensors")
    assert not roots_of(host, [], listens=False).limited


def test_an_opened_folder_is_hidden_while_others_can_reach_the_page(store, tmp_path):
    from lora_trainer.datasets import DataSets

    opened = store.open_folder(tmp_path)
    assert DataSets(store.folder, Roots([store.folder])).list() == []
    assert [found.id for found in DataSets(store.folder).list()] == [opened.id]


def test_whether_a_folder_is_there_is_not_told_where_it_is_not_allowed(store, tmp_path):
    from lora_trainer.datasets import DataSets

    limited, codes = DataSets(store.folder, Roots([store.folder])), set()
    for path in (tmp_path, tmp_path / "nothing", "//server/share", "/etc"):
        with pytest.raises(DataError) as caught:
            limited.open_folder(path)
        codes.add(caught.value.sentence.code)
    assert codes == {"folder_not_allowed"}
