"""Data sets lie in a private folder; folders of the machine are opened where they are and never changed unasked."""

import pytest
from PIL import Image

from lora_trainer.datasets import DataSets, NoSuchDataSet, Roots
from lora_trainer.errors import DataError, UserError

from .conftest import picture


@pytest.fixture
def holiday(tmp_path):
    """A folder of the user's own, with one picture."""
    folder = tmp_path / "my pictures" / "Urlaub ß 猫"
    folder.mkdir(parents=True)
    Image.new("RGB", (64, 64)).save(folder / "1.png")
    return folder


def test_a_data_set_is_found_again_by_another_process(store, holiday):
    made, opened = store.create("cats"), store.open_folder(holiday)
    made.add("1.png", picture())
    later = DataSets(store.folder)
    assert [(found.id, found.name, found.count) for found in later.list()] == [
        (made.id, "cats", 1),
        (opened.id, "Urlaub ß 猫", 1),
    ]
    assert later.get(opened.id).path == holiday


def test_a_name_that_is_taken_gets_a_number(store):
    assert [store.create("cats").name for _ in range(3)] == ["cats", "cats-2", "cats-3"]


@pytest.mark.parametrize("name, safe", [("../../etc", "_.._etc"), ("a/b", "a_b"), (".hidden", "hidden"), ("猫", "猫")])
def test_names_of_data_sets_stay_inside(store, name, safe):
    assert store.create(name).path == store.folder / safe


def test_a_name_that_leaves_nothing_is_refused(store):
    with pytest.raises(UserError):
        store.create(" . ")


def test_the_same_id_gives_the_same_object(store):
    made = store.create("cats")
    assert store.get(made.id) is made


def test_an_uploaded_data_set_is_deleted_with_its_pictures(store):
    made = store.create("cats")
    made.add("1.png", picture())
    store.delete(made.id)
    assert not made.path.exists() and store.list() == []
    with pytest.raises(NoSuchDataSet):
        store.get(made.id)


def test_an_opened_folder_is_forgotten_but_never_deleted(store, holiday):
    opened = store.open_folder(f' "{holiday}" ')
    with pytest.raises(DataError, match="opened in place"):
        opened.remove("1.png")
    store.delete(opened.id)
    assert store.list() == [] and [file.name for file in holiday.iterdir()] == ["1.png"]


def test_looking_at_an_opened_folder_writes_nothing_there(store, holiday):
    opened = store.open_folder(holiday)
    opened.items(64)
    opened.thumbnail("1.png")
    assert [file.name for file in holiday.iterdir()] == ["1.png"]
    opened.set_captions({"1.png": "on the beach"})
    assert sorted(file.name for file in holiday.iterdir()) == [".train-lora-backup", "1.png", "1.txt"]


def test_a_folder_opened_twice_is_there_once(store, holiday):
    assert store.open_folder(holiday) is store.open_folder(f"{holiday}/../{holiday.name}/")
    assert [found.path for found in store.list()].count(holiday) == 1


def test_an_uploaded_data_set_opened_by_its_path_is_itself(store):
    made = store.create("cats")
    assert store.open_folder(made.path) is made


@pytest.mark.parametrize("path", ["", "relative", "/no/such/folder", "/"])
def test_what_is_no_folder_of_pictures_is_refused_in_words(store, path):
    with pytest.raises(DataError):
        store.open_folder(path)


def test_where_others_can_reach_the_page_only_allowed_folders_open(store, holiday, tmp_path):
    guarded = DataSets(store.folder, Roots([tmp_path / "my pictures"]))
    assert guarded.open_folder(holiday).count == 1
    with pytest.raises(DataError, match="may not be opened"):
        guarded.open_folder(tmp_path)
    (tmp_path / "my pictures" / "link").symlink_to(tmp_path)
    with pytest.raises(DataError, match="may not be opened"):
        guarded.open_folder(tmp_path / "my pictures" / "link")


def test_a_folder_that_went_away_is_not_listed(store, holiday):
    store.open_folder(holiday)
    holiday.rename(holiday.with_name("elsewhere"))
    assert store.list() == []
