"""Runs are found by what people remember of them."""

import pytest

from lora_trainer.errors import NotFound, UserError
from lora_trainer.history import History, Query
from lora_trainer.history.facts import facts_of
from lora_trainer.history.found import runs_in
from tests.history.made import made, past


@pytest.fixture
def history(tmp_path):
    runs = [
        past(tmp_path, "cat", created=1_700_000_000.0, state="finished", loss=0.3, data__trigger_word="zorblat"),
        past(tmp_path, "dog", created=1_600_000_000.0, state="failed", loss=0.5, owner="ann"),
        past(tmp_path, "style", created=1_650_000_000.0, state="finished", loss=0.1),
    ]
    return History(lambda: runs)


def found(history, **query):
    return [run.name for run in history.search(Query(**query)).runs]


def test_the_newest_comes_first_and_other_orders_are_asked_for(history):
    assert found(history) == ["cat", "style", "dog"]
    assert found(history, sort="loss", descending=False) == ["style", "cat", "dog"]
    assert found(history, sort="name", descending=False) == ["cat", "dog", "style"]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("CAT", ["cat"]),
        ("zorblat", ["cat"]),
        ("pocket finished", ["cat", "style"]),
        ("ann", ["dog"]),
        ("2023-11", ["cat"]),
        ("failed style", []),
    ],
)
def test_every_word_must_be_there_wherever_it_stands(history, words, names):
    assert found(history, words=words) == names


def test_remarks_and_stars_are_found(history):
    history.note("dog", rating=3, comment="too dark")
    history.note("style", rating=5)
    assert found(history, words="dark") == ["dog"]
    assert found(history, words="***") == ["style", "dog"] and found(history, words="4*") == ["style"]
    assert found(history, sort="rating") == ["style", "dog", "cat"]


def test_what_is_put_away_is_found_only_when_it_is_asked_for(history):
    history.note("cat", archived=True)
    assert found(history) == ["style", "dog"]
    assert found(history, archived="yes") == ["cat"] and len(found(history, archived="all")) == 3


def test_pages_follow_each_other_without_gap(history):
    pages = [history.search(Query(page=n, size=2)) for n in (0, 1, 2)]
    assert [[run.name for run in page.runs] for page in pages] == [["cat", "style"], ["dog"], []]
    assert {page.total for page in pages} == {3}


def test_orders_and_runs_that_there_are_not_are_sentences(history):
    with pytest.raises(UserError, match="sorted by"):
        history.search(Query(sort="colour"))
    with pytest.raises(NotFound):
        history.get("nothing")


@pytest.mark.parametrize("wrong", [{"rating": 6}, {"rating": -1}, {"comment": "x" * 5000}])
def test_notes_beyond_what_there_can_be_are_refused_and_nothing_is_written(history, wrong):
    with pytest.raises(UserError):
        history.note("cat", **wrong)
    assert not history.get("cat").notes_file.exists()


def test_notes_that_are_damaged_are_none_and_can_be_written_anew(history):
    file = history.get("cat").notes_file
    file.write_text("{", encoding="utf-8")
    assert history.get("cat").notes.rating == 0
    assert history.note("cat", rating=2).rating == 2 == history.get("cat").notes.rating
    assert history.note("cat", comment="half \ud800").comment == "half ?"


def test_the_facts_of_a_run_follow_its_record(tmp_path):
    place = made(tmp_path, "cat", steps=4, loss=0.4)
    facts = facts_of(place)
    assert (facts.base, facts.step, facts.seconds, facts.end) == ("pocket", 4, 3.0, "finished")
    assert (facts.loss, facts.validation, facts.validation_step) == (pytest.approx(0.5), pytest.approx(0.6), 2)
    assert [told.step for told in facts.samples] == [2, 2, 4, 4]
    with place.events.open("a", encoding="utf-8") as file:
        file.write('{"kind": "validated", "step": 5, "loss": 0.01, "best": true}\n{"kind": "sta')
        file.write('\n{"kind": "validated", "step": 6, "loss": NaN, "best": false}\n')
    assert facts_of(place).validation == 0.01


def test_runs_of_the_command_line_are_found_also_when_they_were_put_aside(tmp_path):
    made(tmp_path, "cat").put_aside()
    place = made(tmp_path, "cat")
    (tmp_path / "empty.run").mkdir()
    runs = {run.id: run for run in runs_in(tmp_path)}
    assert [run.name for run in runs.values()] == ["cat", "cat"] and place.path.as_posix() in runs
    assert all(run.over and run.state == "finished" for run in runs.values())
    aside = next(run for run in runs.values() if run.folder.path != place.path)
    assert [save.name for save in aside.folder.saves()] == ["cat-step000002.safetensors", "cat-step000004.safetensors"]


def test_a_run_that_goes_on_elsewhere_is_not_over(tmp_path):
    from lora_trainer.files.lock import locked

    place = made(tmp_path, "cat")
    with locked(place.lock):
        (run,) = runs_in(tmp_path)
        assert (run.state, run.over) == ("running", False)
