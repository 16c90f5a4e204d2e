"""Captions of copies are compared before a run."""

from dataclasses import replace

from PIL import Image

from lora_trainer.config import DataOptions, Folder
from lora_trainer.data.scan import scan
from lora_trainer.events import Compared, Preparing
from lora_trainer.training.comparison import PHASE, compared
from tests.runs import draw_pictures


def found(folder, **values):
    data = DataOptions(folders=[Folder(str(folder))], resolution=64, trigger_word="zorb", **values)
    return list(compared(scan(data).pictures, data))


def copied(folder, caption):
    """Four pictures, and one of them again, smaller and under another caption."""
    draw_pictures(folder, side=96)
    (folder / "1.txt").write_text("a zorb, red square on a blue background", encoding="utf-8")
    with Image.open(folder / "1.png") as image:
        image.resize((80, 80)).save(folder / "copy.png")
    (folder / "copy.txt").write_text(f"a zorb, {caption}", encoding="utf-8")
    return folder


def test_progress_is_told_and_then_what_was_found(tmp_path):
    events = found(copied(tmp_path / "set", "square at the top"))
    assert events[:-1] == [Preparing(PHASE, n, 5) for n in range(1, 6)]
    assert events[-1] == Compared(5, events[-1].alike, (), ())


def test_copies_whose_captions_exclude_each_other_are_named_with_what_is_said(tmp_path):
    last = found(copied(tmp_path / "set", "green square on a blue background"))[-1]
    assert "copy.png" in last.contradicting and "1.png" in last.contradicting
    assert any("green square" in caption for caption in last.captions)


def test_a_picture_that_has_gone_meanwhile_is_left_out(tmp_path):
    folder = draw_pictures(tmp_path / "set")
    data = DataOptions(folders=[Folder(str(folder))], resolution=64)
    pictures = scan(data).pictures
    gone = [replace(pictures[0], path=folder / "gone.png"), *pictures[1:]]
    assert list(compared(gone, data))[-1].pictures == 3
