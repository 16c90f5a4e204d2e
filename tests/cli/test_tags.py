"""`tags` counts and changes captions, shows what it would do, and takes back what it did."""

import json

import pytest

from lora_trainer.cli.main import FAILED, SUCCESS, WRONG_USE, main

CAPTIONS = {"1": "1girl, zorb, red hat", "2": "zorb, Hat", "3": "a zorb, old hat", "4": ""}


@pytest.fixture
def tags(tmp_path, capsys):
    """Runs `tags` on four pictures; gives the exit code and the last line as JSON."""
    for name, caption in CAPTIONS.items():
        (tmp_path / f"{name}.png").write_bytes(b"")
        if caption:
            (tmp_path / f"{name}.txt").write_text(caption, encoding="utf-8")

    def run(*words):
        code = main(["tags", str(tmp_path), *words, "--json"])
        return code, json.loads(capsys.readouterr().out.splitlines()[-1])

    run.folder = tmp_path
    run.read = lambda name: (tmp_path / f"{name}.txt").read_text(encoding="utf-8").strip()
    return run


def test_tags_are_counted_in_the_captions_that_were_asked_for(tags):
    code, told = tags()
    assert code == SUCCESS and (told["pictures"], told["missing"]) == (4, 1)
    assert told["tags"][0] == {"tag": "zorb", "count": 2}
    _, told = tags("--only-with", "ZORB", "--only-without", "1girl")
    assert told["tags"] == [{"tag": "Hat", "count": 1}, {"tag": "zorb", "count": 1}]


def test_operations_are_done_in_the_order_in_which_they_stand(tags):
    code, told = tags(
        "--merge", "red hat,old hat=hat", "--add-at", "1=new, x=y", "--trigger", "zorb", "--only-text", "hat"
    )
    assert code == SUCCESS and told["chosen"] == 3
    assert tags.read("1") == "zorb, 1girl, new, x=y, hat"
    assert tags.read("2") == "zorb, new, x=y, Hat"
    assert tags.read("3") == "a zorb, new, x=y, hat"
    assert not (tags.folder / "4.txt").exists()


def test_a_trial_writes_nothing(tags):
    _, told = tags("--add", "z", "--dry-run")
    assert told["changed"]["4.png"] == "z" and told["backup"] == "" and tags.read("2") == "zorb, Hat"


def test_what_was_done_is_taken_back_the_last_first(tags):
    tags("--remove", "zorb")
    _, told = tags("--trigger", "new", "--old-trigger", "a zorb")
    assert tags.read("3") == "new, old hat" and tags.read("4") == "new"
    assert tags("--undo")[1]["undone"] == told["backup"]
    assert tags.read("3") == "a zorb, old hat" and not (tags.folder / "4.txt").exists()
    assert tags("--undo")[0] == SUCCESS and tags.read("1") == CAPTIONS["1"]
    assert tags("--undo")[0] == FAILED


@pytest.mark.parametrize(
    "words",
    [
        ("--replace", "hat"),
        ("--add-at", "x=y"),
        ("--sort", "chance"),
        ("--replace-pattern", "(a=b"),
        ("--nonsense",),
    ],
)
def test_what_is_no_operation_ends_with_2_and_changes_nothing(tags, words):
    code, told = tags(*words)
    assert code == WRONG_USE and told["error"]
    assert tags.read("1") == CAPTIONS["1"]


def test_the_report_shows_before_and_after(tags, capsys):
    main(["tags", str(tags.folder), "--sort", "frequency", "--first", "zorb", "--deduplicate", "--only-with", "1girl"])
    out = capsys.readouterr().out
    assert "  - 1girl, zorb, red hat\n  + zorb, 1girl, red hat\nCaptions changed: 1. To take it back: --undo 20" in out
