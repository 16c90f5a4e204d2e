import csv

import pytest

from lora_trainer.captioning.events import Captioned, Described, LeftOut
from lora_trainer.captioning.folder import Task, describe
from lora_trainer.captioning.journal import NAME as JOURNAL
from lora_trainer.config import DataOptions, Folder
from lora_trainer.data.scan import scan
from lora_trainer.errors import ConfigError, DataError, UserError
from lora_trainer.sentences import Sentence

from .colours import ColourNamer


def run(folder, captioner=None, stop=lambda: False, **task):
    return list(describe(Task(folder, **task), captioner or ColourNamer(), stop))


def written(folder):
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8").strip() for path in folder.rglob("*.txt")}


def table(file):
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.reader(lines))


def end(events):
    assert isinstance(events[-1], Described)
    return events[-1]


def test_every_picture_gets_its_caption_beside_it(folder):
    events = run(folder, trigger="zorb")
    assert written(folder) == {"red.txt": "zorb, red", "green.txt": "zorb, green", "more/blue.txt": "zorb, blue"}
    assert [(event.done, event.total) for event in events if isinstance(event, Captioned)] == [(1, 3), (2, 3), (3, 3)]
    assert end(events).written == 3 and not end(events).stopped
    assert not (folder / JOURNAL).exists()


def test_a_training_reads_what_was_written_in_each_form(folder):
    for form in ("txt", "csv", "both"):
        for file in folder.rglob("*"):
            if file.suffix in (".txt", ".csv"):
                file.unlink()
        run(folder, form=form)
        data = DataOptions(folders=[Folder(str(folder))], resolution=64, bucket_least=64)
        captions = {picture.name: picture.caption for picture in scan(data).pictures}
        assert captions == {"red.png": "red", "green.png": "green", "more/blue.jpg": "blue"}, form
        assert bool(written(folder)) == (form != "csv")
        assert (folder / "metadata.csv").exists() == (form != "txt")


def test_captions_that_are_there_are_kept_unless_asked(folder):
    (folder / "red.txt").write_text("my own words\n", encoding="utf-8")
    captioner = ColourNamer()
    assert end(run(folder, captioner)).kept == 1
    assert sum(captioner.batches) == 2
    assert written(folder)["red.txt"] == "my own words"
    run(folder, mode="replace")
    assert written(folder)["red.txt"] == "red"


def test_what_somebody_writes_while_it_runs_is_there_already(folder):
    class Meanwhile(ColourNamer):
        def caption(self, pictures):
            (folder / "red.txt").write_text("by hand", encoding="utf-8")
            return super().caption(pictures)

    events = run(folder, Meanwhile())
    assert written(folder)["red.txt"] == "by hand"
    assert (end(events).written, end(events).kept) == (2, 1)
    run(folder, Meanwhile(), mode="append")
    assert written(folder)["red.txt"] == "by hand, red"


def test_nothing_is_loaded_where_nothing_is_to_be_done(folder):
    run(folder)
    captioner = ColourNamer()
    assert end(run(folder, captioner)).kept == 3
    assert captioner.loads == 0


@pytest.mark.parametrize(
    ("mode", "caption"), [("append", "zorb, a thing, Red, old"), ("prepend", "zorb, red, a thing, old")]
)
def test_a_new_caption_goes_behind_or_in_front_of_the_old_one_with_no_tag_twice(folder, mode, caption):
    (folder / "red.txt").write_text("a thing, Red, old", encoding="utf-8")
    run(folder, mode=mode, trigger="zorb")
    assert written(folder)["red.txt"] == caption


def test_broken_pictures_are_named_and_left_out(folder):
    (folder / "cut.png").write_bytes((folder / "red.png").read_bytes()[:-30])
    (folder / "words.jpg").write_text("no picture", encoding="utf-8")
    events = run(folder)
    left = {event.name: event.reason.code for event in events if isinstance(event, LeftOut)}
    assert left == {"cut.png": "picture_damaged", "words.jpg": "picture_unknown"}
    assert end(events).written == 3 and end(events).left_out == 2


def test_two_pictures_that_would_share_a_caption_file_are_told_apart(folder):
    (folder / "red.webp").write_bytes((folder / "green.png").read_bytes())
    events = run(folder)
    assert [event.name for event in events if isinstance(event, LeftOut)] == ["red.webp"]
    assert written(folder)["red.txt"] == "red"


def test_a_stopped_run_keeps_what_is_done_and_the_next_one_goes_on(folder):
    for form in ("txt", "csv"):
        captioner, again = ColourNamer(), ColourNamer()
        first = end(run(folder, captioner, lambda c=captioner: bool(c.batches), mode="replace", batch=1, form=form))
        assert (first.written, first.stopped) == (1, True)
        second = end(run(folder, again, mode="replace", batch=1, form=form))
        assert (second.written, second.before, second.stopped) == (2, 1, False)
        assert captioner.closed == again.closed == 1
    assert written(folder) == {"red.txt": "red", "green.txt": "green", "more/blue.txt": "blue"}
    assert len(table(folder / "metadata.csv")) == 4


def test_what_an_interrupted_run_appended_is_not_appended_twice(folder):
    (folder / "green.txt").write_text("leaf", encoding="utf-8")
    broken = ColourNamer(fail_at=1, error=UserError("The model broke off."))
    with pytest.raises(UserError, match="broke off"):
        run(folder, broken, mode="append", batch=1)
    (folder / "green.txt").write_text("leaf", encoding="utf-8")  # as if killed between the journal and the caption
    run(folder, mode="append", batch=1)
    assert written(folder)["green.txt"] == "leaf, green"
    run(folder, mode="append", trigger="zorb")
    assert written(folder)["green.txt"] == "zorb, leaf, green"


def test_other_work_does_not_go_on_from_an_interrupted_run(folder):
    stopped = ColourNamer()
    run(folder, stopped, lambda: bool(stopped.batches), mode="replace", batch=1)
    assert end(run(folder, mode="replace", trigger="zorb")).written == 3


def test_a_batch_that_is_too_large_for_the_memory_is_halved(folder):
    class Small(ColourNamer):
        def caption(self, pictures):
            if len(pictures) > 1:
                raise RuntimeError("CUDA out of memory")
            return super().caption(pictures)

    captioner = Small()
    assert end(run(folder, captioner, batch=3)).written == 3
    assert captioner.batches == [1, 1, 1]


def test_what_is_missing_is_said_before_anything_is_done(folder):
    with pytest.raises(UserError, match="Put it there"):
        run(folder, ColourNamer(lacks=Sentence("lacking", "Put it there.")))
    assert not written(folder)


def test_a_picture_that_shows_nothing_known_keeps_what_it_has(folder):
    class Blind(ColourNamer):
        def caption(self, pictures):
            return [() for _ in pictures]

    (folder / "red.txt").write_text("old", encoding="utf-8")
    events = run(folder, Blind(), mode="replace")
    assert end(events).left_out == 3
    assert written(folder) == {"red.txt": "old"}


def test_the_table_has_the_kept_captions_too_and_its_other_rows_and_columns_stay(folder):
    (folder / "red.txt").write_text("my own, with a comma", encoding="utf-8")
    (folder / "metadata.csv").write_text("file,artist,prompt\ngreen.png,me,\ngone.png,you,old\n", encoding="utf-8")
    run(folder, form="both")
    assert table(folder / "metadata.csv") == [
        ["file", "artist", "prompt"],
        ["green.png", "me", "green"],
        ["gone.png", "you", "old"],
        ["red.png", "", "my own, with a comma"],
        ["more/blue.jpg", "", "blue"],
    ]


def test_a_table_of_something_else_is_refused_before_the_model_comes_up(folder):
    (folder / "metadata.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    captioner = ColourNamer()
    with pytest.raises(UserError, match="no columns"):
        run(folder, captioner, form="csv")
    assert captioner.loads == 0


def test_captions_that_a_training_would_not_see_are_told(folder):
    (folder / "red.txt").write_text("old", encoding="utf-8")
    warned = [event for event in run(folder, mode="replace", form="csv") if event.kind == "warned"]
    assert [event.message.values["count"] for event in warned] == [1]


def test_a_table_elsewhere_names_pictures_as_a_training_finds_them(folder, tmp_path):
    file = tmp_path / "labels" / "auto.csv"
    run(folder, form="csv", table=file)
    assert table(file) == [["file", "prompt"], ["green.png", "green"], ["more/blue.jpg", "blue"], ["red.png", "red"]]
    data = DataOptions(folders=[Folder(str(folder))], resolution=64, bucket_least=64, metadata=str(file))
    assert {picture.caption for picture in scan(data).pictures} == {"red", "green", "blue"}
    assert not (folder / "metadata.csv").exists()


def test_wrong_values_and_a_missing_folder_are_sentences(folder):
    with pytest.raises(ConfigError) as caught:
        run(folder, mode="kep", form="xml", batch=0)
    assert len(caught.value.problems) == 3 and "must be one of keep, replace" in caught.value.problems[0]
    with pytest.raises(DataError, match="nowhere"):
        run(folder / "nowhere")
