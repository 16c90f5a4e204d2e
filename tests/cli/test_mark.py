import json

import pytest
from PIL import Image

from lora_trainer.cli.main import SUCCESS, WRONG_USE, main
from lora_trainer.data.framing import placed
from lora_trainer.data.marks import WHOLE, Box


@pytest.fixture
def mark(tmp_path, capsys):
    """Runs `mark` on a wide picture, a high one and one that is none; gives exit code, JSON and text."""
    folder = tmp_path / "set"
    (folder / "sub").mkdir(parents=True)
    Image.new("RGB", (200, 100)).save(folder / "wide.png")
    Image.new("RGB", (100, 150)).save(folder / "sub" / "high.png")
    (folder / "torn.png").write_bytes(b"")
    square = ["--set", "data.resolution=64", "--set", "data.bucket_least=64", "--set", "data.buckets=false"]

    def run(*words):
        code = main(["mark", str(folder), *square, "--json", *words])
        text = capsys.readouterr().out
        return code, json.loads(text.splitlines()[-1]), text

    run.folder = folder
    return run


def test_what_is_shown_of_each_picture_is_told(mark):
    code, found, _ = mark()
    assert code == SUCCESS and found["marks"] == {} and found["undo"] == ""
    assert found["shown"] == {
        "wide.png": pytest.approx([0.25, 0, 0.5, 1]),
        "sub/high.png": pytest.approx([0, 1 / 6, 1, 2 / 3], abs=0.01),
    }


def test_pictures_are_left_out_by_patterns_and_taken_back(mark):
    _, found, _ = mark("--exclude", "sub/*", "--no-mirror", "*", "--include", "sub/high.png")
    assert found["marks"] == {name: {"flip": False} for name in ("sub/high.png", "torn.png", "wide.png")}
    assert (mark.folder / "sub" / ".train-lora.json").exists()
    _, found, _ = mark("--undo", found["undo"])
    assert found["marks"] == {} and not (mark.folder / ".train-lora.json").exists()


def test_a_crop_is_moved_brought_nearer_and_let_go(mark):
    _, found, _ = mark("--crop", "wide.png=0,0.5")
    assert found["shown"]["wide.png"] == pytest.approx([0, 0, 0.5, 1])
    _, found, _ = mark("--crop", "wide.png=0.9,0.9,2")
    assert found["shown"]["wide.png"] == pytest.approx([0.75, 0.5, 0.25, 0.5], abs=0.02)
    _, found, _ = mark("--usual-crop", "wide.png")
    assert found["marks"] == {} and found["shown"]["wide.png"] == pytest.approx([0.25, 0, 0.5, 1])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--exclude", "gone.png", "--exclude", "wide.png"), "There is no picture 'gone.png'"),
        (("--crop", "wide.png=2,0"), "between 0 and 1"),
        (("--crop", "wide.png"), "must be like NAME=0.5,0.2"),
        (("--crop", "torn.png=0,0"), "cannot be read"),
    ],
)
def test_what_cannot_be_decided_is_said_and_nothing_is_written(mark, words, sentence):
    code, found, _ = mark(*words)
    assert code == WRONG_USE and sentence in found["error"]
    assert not [*mark.folder.rglob(".train-lora*")]


def test_a_moved_window_stays_inside_and_keeps_its_shape():
    middle = Box.of([0.25, 0, 0.5, 1])
    assert placed(middle, (1.0, 1.0)) == Box.of([0.5, 0, 0.5, 1])
    nearer = placed(middle, (0.5, 0.5), 4)
    assert (nearer.width, nearer.height) == (WHOLE // 8, WHOLE // 4)
