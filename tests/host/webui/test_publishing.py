import pytest
import torch

from lora_trainer.errors import FileFormatError, LoraExists, UserError
from lora_trainer.files.atomic import FileInUse
from lora_trainer.files.container import read_header
from lora_trainer.files.copy import copy_lora
from lora_trainer.host.base import Card
from lora_trainer.host.webui import publishing
from lora_trainer.host.webui.publishing import lora_folder, publish
from tests.files.samples import linear

from .loras import draw, write

CARD = Card(trigger_word="zorb", strength=0.7, family="sd1")


def test_a_published_lora_is_in_the_host_s_list_with_its_card(webui, tmp_path):
    done = publish(write(webui, tmp_path / "run" / "zorb.safetensors"), CARD)
    assert done.name == "zorb" and done.remarks == ()
    assert done.file == lora_folder() / "zorb.safetensors"
    assert webui.networks.available_networks["zorb"].filename == str(done.file)
    assert done.file.with_suffix(".json").exists()


def test_a_file_trained_again_under_the_same_name_takes_effect_at_once(webui, tmp_path):
    publish(write(webui, tmp_path / "zorb.safetensors", seed=1), CARD)
    first = draw(webui, "a cat <lora:zorb:1>")
    publish(write(webui, tmp_path / "zorb.safetensors", seed=2), CARD, replace=True)
    second = draw(webui, "a cat <lora:zorb:1>")
    publish(write(webui, tmp_path / "zorb.safetensors", seed=1), CARD, replace=True)
    assert draw(webui, "a cat <lora:zorb:1>") == first != second


def test_prompts_encoded_through_the_old_file_are_encoded_again(webui, tmp_path):
    cache = webui.processing.StableDiffusionProcessingTxt2Img.cached_c
    cache[:] = ["a cat", "its conditioning"]
    publish(write(webui, tmp_path / "zorb.safetensors"), CARD)
    assert cache == [None, None]


def test_nothing_of_the_published_file_stays_in_the_weights(webui, tmp_path):
    plain = draw(webui)
    publish(write(webui, tmp_path / "zorb.safetensors"), CARD)
    assert draw(webui) == plain


def test_publishing_leaves_the_global_chance_as_it_was(webui, tmp_path):
    file, before = write(webui, tmp_path / "zorb.safetensors"), torch.get_rng_state()
    publish(file, CARD)
    assert torch.equal(torch.get_rng_state(), before)


def test_an_existing_lora_is_not_replaced_unless_it_is_said(webui, tmp_path):
    done = publish(write(webui, tmp_path / "zorb.safetensors", seed=1), CARD)
    before = done.file.read_bytes()
    with pytest.raises(LoraExists, match="zorb") as caught:
        publish(write(webui, tmp_path / "zorb.safetensors", seed=2), CARD)
    assert caught.value.sentence.code == "lora_exists"
    assert done.file.read_bytes() == before


def test_a_run_that_saved_into_the_lora_folder_itself_is_published_where_it_lies(webui):
    done = publish(write(webui, lora_folder() / "zorb.safetensors"), CARD)
    assert done.file == lora_folder() / "zorb.safetensors"
    assert "zorb" in webui.networks.available_networks


def test_a_lora_of_that_name_in_a_subfolder_is_the_one_that_is_replaced(webui, tmp_path):
    write(webui, lora_folder() / "animals" / "zorb.safetensors", seed=1)
    webui.networks.list_available_networks()
    new = write(webui, tmp_path / "zorb.safetensors", seed=2)
    with pytest.raises(LoraExists):
        publish(new, CARD)
    assert publish(new, CARD, replace=True).file == lora_folder() / "animals" / "zorb.safetensors"
    assert not (lora_folder() / "zorb.safetensors").exists()


def test_a_save_that_is_kept_under_another_name_calls_itself_by_it(webui, tmp_path):
    save = write(webui, tmp_path / "zorb-step000100.safetensors")
    (tmp_path / "kept").mkdir()
    kept = tmp_path / "kept" / "zorb.safetensors"
    kept.write_bytes(save.read_bytes())
    assert read_header(publish(kept, CARD).file).metadata["ss_output_name"] == "zorb"


@pytest.mark.parametrize("more", [{"lora_unet_no_such_place": linear()}, "another shape"])
def test_a_file_that_the_host_would_leave_out_in_parts_is_refused_before_anything_is_replaced(webui, tmp_path, more):
    publish(write(webui, tmp_path / "zorb.safetensors", seed=1), CARD)
    before = (lora_folder() / "zorb.safetensors").read_bytes()
    if more == "another shape":
        more = {next(name for name in webui.shared.sd_model.network_names() if name.endswith("_to_v")): linear()}
    wrong = write(webui, tmp_path / "zorb.safetensors", more=more)
    with pytest.raises(FileFormatError, match=next(iter(more))):
        publish(wrong, CARD, replace=True)
    assert (lora_folder() / "zorb.safetensors").read_bytes() == before


def test_under_another_kind_of_base_it_is_published_and_said_that_it_was_not_tried(standin, webui, tmp_path):
    file = write(webui, tmp_path / "zorb.safetensors")
    standin("sdxl")
    (remark,) = publish(file, CARD).remarks
    assert remark.code == "lora_not_checked"


def test_a_file_that_a_program_holds_makes_it_another_name_and_a_remark(webui, tmp_path, monkeypatch):
    publish(write(webui, tmp_path / "zorb.safetensors", seed=1), CARD)

    def held(source, target):
        if target.name == "zorb.safetensors":
            other = target.with_name("zorb-2.safetensors")
            copy_lora(source, other)
            raise FileInUse("held", other)
        copy_lora(source, target)

    monkeypatch.setattr(publishing, "copy_lora", held)
    done = publish(write(webui, tmp_path / "zorb.safetensors", seed=2), CARD, replace=True)
    assert done.name == "zorb-2"
    assert done.remarks[0].code == "published_under_new_name"
    assert read_header(done.file).metadata["ss_output_name"] == "zorb-2"
    assert "zorb-2" in webui.networks.available_networks


def test_without_the_host_s_lora_extension_there_is_a_sentence(webui, tmp_path, monkeypatch):
    file = write(webui, tmp_path / "zorb.safetensors")
    monkeypatch.delattr(webui.networks, "load_networks")
    with pytest.raises(UserError, match="switched off"):
        publish(file, CARD)
