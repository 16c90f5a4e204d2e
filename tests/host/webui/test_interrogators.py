from pathlib import Path

import pytest
from PIL import Image

from lora_trainer import packages
from lora_trainer.captioning import Settings
from lora_trainer.captioning.base import text_of
from lora_trainer.captioning.folder import Task, describe
from lora_trainer.errors import UserError
from lora_trainer.host.webui.host import WebUIHost
from lora_trainer.host.webui.interrogators import Blip, Deepbooru

from .states import draw, snapshot, waiting

RED, BLUE = (Image.new("RGB", (60, 30), colour) for colour in ((240, 0, 0), (0, 0, 240)))
KINDS = (Blip, Deepbooru)


@pytest.fixture
def equipped(webui, monkeypatch):
    """The stand-in with the files of both models, and BLIP's tokenizer in the hub's cache."""
    for kind in KINDS:
        file = Path(webui.paths.models_path) / kind.folder / kind.file
        file.parent.mkdir(parents=True)
        file.touch()
    packages.mend_imports()
    monkeypatch.setattr("transformers.utils.cached_file", lambda *names, **more: "vocab.txt")
    yield webui
    assert webui.modelloader.fetched == []


def captions(kind, pictures=(RED, BLUE), **settings):
    captioner = kind(Settings(Path("nowhere"), **settings))
    captioner.load()
    try:
        return [text_of(answer) for answer in captioner.caption(pictures)]
    finally:
        captioner.close()


def test_the_host_offers_both(webui):
    assert {*WebUIHost().captioners()} == {"blip", "deepbooru"}


def test_a_host_without_an_interrogator_offers_none(webui):
    webui.shared.interrogator = None
    assert {*WebUIHost().captioners()} == {"deepbooru"}


def test_blip_s_sentences(equipped):
    assert captions(Blip) == ["a picture of something red", "a picture of something blue"]


def test_deepbooru_s_tags_from_the_surest_on_without_the_rating_and_escapes(equipped):
    assert captions(Deepbooru) == ["red (colour), long hair, simple background", "blue, long hair, simple background"]
    assert captions(Deepbooru, [RED], threshold=0.1) == ["red (colour), long hair, simple background, >_<"]
    equipped.shared.opts.interrogate_deepbooru_score_threshold = 0.65
    equipped.shared.opts.deepbooru_filter_tags = "long hair, other"
    assert captions(Deepbooru) == ["red (colour)", "blue"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_host_is_as_it_was(equipped, kind):
    before = snapshot(equipped)
    captions(kind)
    assert snapshot(equipped) == before
    assert equipped.shared.interrogator.blip_model is None is equipped.deepbooru.model.model
    assert equipped.shared.interrogator.dtype is None


def test_models_that_the_host_had_loaded_stay(equipped):
    equipped.deepbooru.model.load()
    loaded = equipped.deepbooru.model.model
    equipped.shared.interrogator.blip_model = blip = equipped.shared.interrogator.load_blip_model()
    for kind in KINDS:
        captions(kind)
    assert equipped.deepbooru.model.model is loaded
    assert equipped.shared.interrogator.blip_model is blip


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_the_host_does_not_have_is_named_with_its_place_and_not_fetched(webui, tmp_path, kind):
    captioner = kind(Settings(tmp_path))
    sentence = captioner.missing()
    assert kind.file in sentence and str(Path(webui.paths.models_path) / kind.folder) in sentence
    with pytest.raises(UserError, match=kind.file):
        captioner.load()
    assert webui.modelloader.fetched == []


def test_blip_s_tokenizer_is_not_fetched_either(equipped, monkeypatch, tmp_path):
    def absent(*names, local_files_only=False):
        assert local_files_only
        raise OSError("not in the cache")

    monkeypatch.setattr("transformers.utils.cached_file", absent)
    assert Blip(Settings(tmp_path)).missing().code == "interrogator_words_missing"


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_comes_in_between_two_batches(equipped, kind):
    captioner = kind(Settings(Path("nowhere")))
    captioner.load()
    with equipped.call_queue.queue_lock, waiting(equipped, lambda: draw(equipped)) as done:
        equipped.call_queue.queue_lock.release()
        captioner.caption([RED])
        while not done:
            pass
        assert equipped.call_queue.queue_lock.acquire(blocking=False)
    captioner.close()
    assert done


def test_with_medvram_the_model_leaves_the_device_and_the_next_picture_fetches_it(standin, tmp_path, monkeypatch):
    webui = standin(medvram=True)
    (Path(webui.paths.models_path) / Deepbooru.folder).mkdir()
    (Path(webui.paths.models_path) / Deepbooru.folder / Deepbooru.file).touch()
    picture = draw(webui)
    assert webui.lowvram.module_in_gpu is not None
    captions(Deepbooru)
    assert webui.lowvram.module_in_gpu is None
    assert draw(webui) == picture


def test_the_host_s_interrupt_ends_it_and_what_is_done_stays(equipped, tmp_path, monkeypatch):
    for name, picture in (("a", RED), ("b", BLUE)):
        picture.save(tmp_path / f"{name}.png")
    captioner, asked = Blip(Settings(tmp_path)), []
    generate = equipped.shared.interrogator.generate_caption

    def interrupted(picture):
        asked.append(picture)
        if len(asked) == 2:
            equipped.shared.state.interrupt()
        return generate(picture)

    monkeypatch.setattr(equipped.shared.interrogator, "generate_caption", interrupted)
    with pytest.raises(UserError, match="Interrupted"):
        list(describe(Task(tmp_path, batch=1), captioner))
    assert [file.name for file in tmp_path.glob("*.txt")] == ["a.txt"]
    assert equipped.shared.state.job == ""
