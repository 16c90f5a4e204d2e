"""What a run here would read is what its run on a server reads."""

import hashlib

import pytest
from PIL import Image

from lora_trainer import options
from lora_trainer.cli.main import FAILED, SUCCESS, WRONG_USE
from lora_trainer.data.marks import change_marks, marks_of
from lora_trainer.data.plan import RunPlan
from lora_trainer.data.scan import scan
from tests.cli.test_server import run as run  # a fixture
from tests.client.conftest import address as address  # a fixture
from tests.client.conftest import desk as desk  # a fixture

YAML = """
base: {checkpoint: pocket, clip_skip: 2, max_tokens: 150}
data:
  folders:
    - {path: red, weight: 0.5}
    - {path: priors, regularization: true}
    - "3_blue cat"
  metadata: told.csv
  caption_extensions: [.tags]
  caption_dropout: 0.2
  resolution: 64
  cache: disk
  cache_folder: cache
  masks: true
save: {name: cats, output: loras, log_folder: curves}
steps: 30
seed: 7
"""

DECIDED_THERE = {"data.folders", "data.metadata", "data.caption_extensions", "data.cache_folder"} | {
    "base.checkpoint",
    "save.output",
    "save.log_folder",
}
"""Where things lie; and captions come there in files of their own."""


@pytest.fixture
def three_folders(tmp_path):
    """Pictures to learn in two folders, of the class in a third: with captions from everywhere, a mask and a mark."""
    for folder, names in (("red", "ab"), ("priors", "ab"), ("3_blue cat", "ab"), ("red/inner", "c")):
        (tmp_path / folder).mkdir()
        for name in names:
            colour = hashlib.sha256(f"{folder}/{name}".encode()).digest()[:3]
            Image.new("RGB", (64, 64), tuple(colour)).save(tmp_path / folder / f"{name}.png")
    Image.new("L", (64, 64)).save(tmp_path / "red" / "a-mask.png")
    (tmp_path / "red" / "a.tags").write_text("a red cat", encoding="utf-8")
    (tmp_path / "red" / "b.txt").write_text("not asked for", encoding="utf-8")
    (tmp_path / "told.csv").write_text("file,prompt\nred/inner/c.png,an inner cat\n", encoding="utf-8")
    change_marks({tmp_path / "red" / "b.png": marks_of({"flip": False})})
    (tmp_path / "run.yaml").write_text(YAML, encoding="utf-8")


def test_a_run_of_several_folders_learns_there_what_it_would_learn_here(run, desk, three_folders, tmp_path):
    here = options.build(options.read_yaml(tmp_path / "run.yaml"))
    code, result = run("train", "run.yaml")
    assert code == SUCCESS and (tmp_path / "loras" / "cats.safetensors").is_file()
    job = desk.jobs.get(result["job"])
    there = job.config
    assert learned(there) == learned(here)
    assert {picture.caption for picture in scan(here.data).pictures} == {"a red cat", "an inner cat", "blue cat", ""}
    assert {*options.differences(here, there)} == DECIDED_THERE
    assert job.record.dataset == next(one.id for one in desk.datasets.list() if one.name == "red")
    for name in ("red", "priors", "blue cat"):
        assert desk.datasets.find(name).count


def learned(config):
    """Every picture of every step as it is shown: its content, what is decided about it, and its caption."""
    plan = RunPlan.from_config(scan(config.data).pictures, config)
    batches = plan.batches(0, plan.total_steps)
    items = [(plan.pictures[item.picture], item) for batch in batches for item in batch.items]
    return [
        (one.digest, one.weight, one.regularization, bool(one.mask), one.marks, item.crop, item.flip, item.caption)
        for one, item in items
    ]


def test_pictures_of_the_class_go_beside_a_data_set_of_the_server_s(run, desk, three_folders, pictures):
    run("datasets", "upload", str(pictures), "zorbs")
    priors = "data.folders=[{path: priors, regularization: true, weight: 0.5}]"
    code, result = run("train", "--dataset", "zorbs", "--name", "x", "--steps", "3", "--set", priors)
    assert code == SUCCESS
    own, prior = desk.jobs.get(result["job"]).config.data.folders
    assert (own.path, own.regularization) == (str(desk.datasets.find("zorbs").path), False)
    assert (prior.path, prior.weight) == (str(desk.datasets.find("priors").path), 0.5) and prior.regularization


@pytest.mark.parametrize(
    ("words", "code"), [(("--steps", "-1"), WRONG_USE), (("--set", "optimizer.name=mine.Own"), WRONG_USE), ((), FAILED)]
)
def test_what_was_sent_for_a_run_that_does_not_come_about_is_taken_away(
    run, desk, three_folders, tmp_path, words, code
):
    if not words:
        (tmp_path / "priors" / "a.png").write_bytes(b"no picture")
        (tmp_path / "priors" / "b.png").unlink()
    assert run("train", "run.yaml", *words)[0] == code
    assert desk.datasets.list() == [] and desk.jobs.list() == []
