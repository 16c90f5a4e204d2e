import dataclasses
import time
from types import SimpleNamespace

import pytest
import torch

from lora_trainer.errors import FileFormatError, UserError
from lora_trainer.host.base import LoraUse
from lora_trainer.host.webui import lora_extension
from lora_trainer.host.webui.publishing import lora_folder
from lora_trainer.host.webui.studio import WebUIStudio
from lora_trainer.sampling.request import Request
from tests.files.samples import linear

from .loras import draw, write

ASKED = Request("a cat", "", seed=1, width=64, height=64, steps=2, guidance=5.0, sampler="euler_a", clip_skip=2)


@pytest.fixture
def saves(webui, tmp_path):
    return [write(webui, tmp_path / f"zorb-step00010{number}.safetensors", seed=number) for number in (1, 2)]


def known(webui):
    networks = webui.networks
    return [
        dict(networks.available_networks),
        dict(networks.available_network_aliases),
        dict(networks.available_network_hash_lookup),
    ]


def test_the_picture_is_the_host_s_own_with_the_file_in_its_list(webui, saves):
    asked = dataclasses.replace(ASKED, clip_skip=1)
    with WebUIStudio(saves) as studio:
        tried = studio.draw(asked, [LoraUse(saves[0], 0.5)])
        plain = studio.draw(asked, [LoraUse(saves[0], 0.0)])
    assert plain.image.tobytes() == draw(webui, "a cat")
    (lora_folder() / "mine.safetensors").write_bytes(saves[0].read_bytes())
    webui.networks.list_available_networks()
    assert tried.image.tobytes() == draw(webui, "a cat <lora:mine:0.5>") != plain.image.tobytes()


def test_it_leaves_the_global_chance_as_it_was(webui, saves):
    before = torch.get_rng_state()
    with WebUIStudio(saves) as studio:
        studio.draw(ASKED, [LoraUse(saves[0], 1.0)])
    assert torch.equal(torch.get_rng_state(), before)


def test_the_infotext_names_the_save(saves):
    with WebUIStudio(saves) as studio:
        drawn = studio.draw(ASKED, [LoraUse(saves[1], 0.5)])
    assert "a cat <lora:zorb-step000102:0.5>" in drawn.infotext


def test_tried_saves_are_in_none_of_the_host_s_lists_before_between_and_after(webui, saves):
    before = known(webui)
    with WebUIStudio(saves) as studio:
        assert known(webui) == before
        for save in saves:
            studio.draw(ASKED, [LoraUse(save, 1.0)])
            assert known(webui) == before
    assert known(webui) == before
    assert webui.networks.networks_in_memory == {}
    assert webui.networks.loaded_networks == []


def test_nothing_stays_in_the_weights(webui, saves):
    plain = draw(webui)
    state = {key: tensor.clone() for key, tensor in webui.shared.sd_model.state_dict().items()}
    with pytest.raises(ZeroDivisionError), WebUIStudio(saves) as studio:
        studio.draw(ASKED, [LoraUse(saves[0], 1.0)])
        raise ZeroDivisionError
    assert all(tensor.equal(state[key]) for key, tensor in webui.shared.sd_model.state_dict().items())
    assert draw(webui) == plain


def test_the_user_s_settings_and_last_prompt_stay(webui, saves):
    draw(webui, "my own prompt")
    settings = dict(webui.shared.opts.data)
    with WebUIStudio(saves) as studio:
        studio.draw(ASKED, [LoraUse(saves[0], 1.0)])
    assert webui.shared.opts.data == settings
    assert lora_folder().parents[1].joinpath("params.txt").read_text(encoding="utf-8") == "my own prompt"


def test_tags_of_other_loras_stay_and_those_of_the_tried_one_give_way(webui, saves, tmp_path):
    write(webui, lora_folder() / "other.safetensors", seed=7)
    webui.networks.list_available_networks()
    asked = dataclasses.replace(ASKED, prompt="a cat <lora:other:1> <lora:zorb:0.3>")
    with WebUIStudio(saves) as studio:
        drawn = studio.draw(asked, [LoraUse(saves[0], 0.5)])
    assert "a cat <lora:other:1> <lora:zorb-step000101:0.5>" in drawn.infotext


def test_a_save_that_has_the_name_of_a_published_lora_is_tried_under_a_name_of_its_own(webui, saves, tmp_path):
    write(webui, lora_folder() / "zorb.safetensors", seed=7)
    webui.networks.list_available_networks()
    final = write(webui, tmp_path / "run" / "zorb.safetensors", seed=8)
    with WebUIStudio([final]) as studio:
        drawn = studio.draw(ASKED, [LoraUse(final, 1.0)])
    assert "<lora:zorb (2):1>" in drawn.infotext
    assert drawn.image.tobytes() != draw(webui, "a cat <lora:zorb:1>")


@pytest.mark.parametrize("button", ["interrupt", "skip", "stop_generating"])
def test_the_host_s_buttons_stop_it(webui, saves, monkeypatch, button):
    process = webui.processing.process_images

    def pressed(work):
        getattr(webui.shared.state, button)()
        return process(work)

    monkeypatch.setattr(webui.processing, "process_images", pressed)
    with pytest.raises(UserError) as caught, WebUIStudio(saves) as studio:
        studio.draw(ASKED, [LoraUse(saves[0], 1.0)])
    assert caught.value.sentence.code == "interrupted"
    assert webui.call_queue.queue_lock.acquire(blocking=False)
    webui.call_queue.queue_lock.release()


def test_reload_ui_does_not_stop_it_and_the_next_picture_waits_for_the_new_page(webui, saves, monkeypatch):
    process, waited = webui.processing.process_images, []
    webui.shared.demo = SimpleNamespace(is_running=True)

    def reloaded(work):
        webui.shared.state.request_restart()
        webui.shared.demo.is_running = False
        return process(work)

    def launched(seconds):
        waited.append(seconds)
        webui.shared.demo.is_running = True

    monkeypatch.setattr(time, "sleep", launched)
    with WebUIStudio(saves) as studio:
        plain = studio.draw(ASKED, [LoraUse(saves[0], 1.0)])
        monkeypatch.setattr(webui.processing, "process_images", reloaded)
        during = studio.draw(ASKED, [LoraUse(saves[0], 1.0)])
        monkeypatch.setattr(webui.processing, "process_images", process)
        after = studio.draw(ASKED, [LoraUse(saves[0], 1.0)])
    assert plain.image.tobytes() == during.image.tobytes() == after.image.tobytes()
    assert waited


def test_a_refresh_of_the_cards_in_the_middle_does_not_lose_the_file(webui, saves, monkeypatch):
    process, calls = webui.processing.process_images, []

    def refreshed(work):
        calls.append(work)
        if len(calls) == 1:
            webui.networks.list_available_networks()
        return process(work)

    monkeypatch.setattr(webui.processing, "process_images", refreshed)
    with WebUIStudio(saves) as studio:
        drawn = studio.draw(ASKED, [LoraUse(saves[0], 1.0)])
    assert len(calls) == 2
    assert drawn.image.tobytes() != draw(webui)


def test_a_file_for_another_kind_of_base_is_named(webui, tmp_path):
    file = write(webui, tmp_path / "zorb.safetensors", more={"lora_unet_no_such_place": linear()})
    with pytest.raises(FileFormatError, match="no_such_place"), WebUIStudio([file]) as studio:
        studio.draw(ASKED, [LoraUse(file, 1.0)])


def test_without_a_file_it_is_the_host_s_own_picture_and_its_next_one_is_as_it_was(webui, monkeypatch):
    """Also where the host has no Lora extension to ask for anything."""
    before, last = (
        draw(webui, "a cat", seed=1),
        lora_folder().parents[1].joinpath("params.txt").read_text(encoding="utf-8"),
    )
    monkeypatch.setattr(lora_extension, "networks", lambda: pytest.fail("the Lora extension was asked"))
    with WebUIStudio([]) as studio:
        drawn = studio.draw(dataclasses.replace(ASKED, clip_skip=1))
        assert webui.shared.state.job == ""
        studio.draw(dataclasses.replace(ASKED, prompt="a dog", seed=5))
    assert drawn.image.tobytes() == before == draw(webui, "a cat", seed=1) and last == "a cat"
