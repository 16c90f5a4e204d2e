from lora_trainer.files.container import read_header
from lora_trainer.files.copy import copy_lora
from lora_trainer.files.hashes import LEGACY_HASH, MODEL_HASH, legacy_hash
from lora_trainer.files.write import model_hash, write_lora
from tests.runs import same_weights

METADATA = {"ss_base_model_version": "sd_v1", "ss_training_comment": "ein Versuch: 猫"}


def test_a_kept_save_calls_itself_by_its_new_name_and_is_the_same_otherwise(tmp_path, modules):
    save, kept = tmp_path / "cat-step000100.safetensors", tmp_path / "my cat.safetensors"
    write_lora(save, modules, METADATA)
    copy_lora(save, kept)
    before, after = read_header(save).metadata, read_header(kept).metadata
    assert after.pop("ss_output_name") == "my cat" and before.pop("ss_output_name") == "cat-step000100"
    assert after == before
    assert same_weights(save, kept)


def test_a_copy_is_byte_by_byte_what_would_have_been_written_under_its_name(tmp_path, modules):
    write_lora(tmp_path / "a.safetensors", modules, METADATA)
    write_lora(tmp_path / "b.safetensors", modules, METADATA)
    copy_lora(tmp_path / "a.safetensors", tmp_path / "c" / "b.safetensors")
    assert (tmp_path / "c" / "b.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_both_hashes_are_those_of_the_copy(tmp_path, modules):
    write_lora(tmp_path / "a.safetensors", modules, METADATA)
    copy_lora(tmp_path / "a.safetensors", tmp_path / "a much longer name.safetensors")
    with (tmp_path / "a much longer name.safetensors").open("rb") as file:
        assert read_header(tmp_path / "a much longer name.safetensors").metadata[LEGACY_HASH] == legacy_hash(file)


def test_the_hash_of_a_file_is_known_before_it_is_written(tmp_path, modules):
    write_lora(tmp_path / "a.safetensors", modules, METADATA)
    assert read_header(tmp_path / "a.safetensors").metadata[MODEL_HASH] == model_hash(modules, METADATA, "fp16")
