"""Room is made kind by kind, after a first look, and what is somebody's stays."""

import pytest

from lora_trainer.errors import UserError
from lora_trainer.history import KINDS, History
from tests.history.made import past


def test_a_first_look_deletes_nothing_and_tells_what_is_freed_afterwards(tmp_path):
    run, told = past(tmp_path, "cat"), []
    history = History(lambda: [run], freed=lambda id, kinds: told.append((id, list(kinds))))
    looked = history.room(["cat"], ["states", "caches"])
    assert run.folder.cache.joinpath("latents").exists() and not told
    freed = history.room(["cat"], ["states", "caches"], really=True)
    assert freed == looked and freed.total == 5700 and told == [("cat", ["states", "caches"])]
    assert not any(run.folder.states.iterdir()) and history.room(["cat"], ["states"]).total == 0
    assert sum(history.sizes(run).values()) > 0 and run.folder.lora.exists() and any(run.folder.samples.iterdir())


def test_of_saves_the_finished_the_best_and_the_published_stay(tmp_path):
    run = past(tmp_path, "cat", steps=8, best_step=4, published={"save": "cat-step000006.safetensors"})
    History(lambda: [run]).room(["cat"], ["saves"], really=True)
    kept = ["cat-step000004.safetensors", "cat-step000006.safetensors", "cat.safetensors"]
    assert sorted(file.name for file in tmp_path.glob("*.safetensors")) == kept


def test_without_a_finished_file_the_newest_save_stays(tmp_path):
    run = past(tmp_path, "cat", steps=6)
    run.folder.lora.unlink()
    History(lambda: [run]).room(["cat"], ["saves"], really=True)
    assert [save.name for save in run.folder.saves()] == ["cat-step000002.safetensors", "cat-step000006.safetensors"]


def test_a_save_that_is_the_published_file_itself_stays(tmp_path):
    run = past(tmp_path, "cat", steps=6, best_step=2)
    published = tmp_path / "loras" / "cat.safetensors"
    published.parent.mkdir()
    published.hardlink_to(run.folder.save_path(4))
    run.published.update(file=str(published))
    History(lambda: [run]).room(["cat"], ["saves"], really=True)
    assert run.folder.save_path(4).exists() and published.exists() and not run.folder.save_path(6).exists()


def test_nothing_of_a_run_that_is_not_over_goes_and_the_others_are_freed(tmp_path):
    runs = past(tmp_path, "runs", over=False), past(tmp_path, "cat")
    room = History(lambda: runs).room(["runs", "cat"], list(KINDS), really=True)
    assert room.refused.keys() == {"runs"} and room.bytes.keys() == {"cat"}
    assert any(runs[0].folder.states.iterdir()) and len(runs[0].folder.saves()) == 2


@pytest.mark.parametrize("kinds", [[], ["everything"], ["states", "../.."]])
def test_kinds_that_there_are_not_are_a_sentence(tmp_path, kinds):
    with pytest.raises(UserError, match="can be freed"):
        History(lambda: [past(tmp_path, "cat")]).room(["cat"], kinds)


def test_links_are_left_alone(tmp_path):
    run, elsewhere = past(tmp_path, "cat"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_bytes(b"x")
    (run.folder.cache / "link").symlink_to(elsewhere)
    (run.folder.path / "tryouts").symlink_to(elsewhere)
    History(lambda: [run]).room(["cat"], ["caches", "grids"], really=True)
    assert (elsewhere / "precious").exists() and (run.folder.path / "tryouts").is_symlink()
