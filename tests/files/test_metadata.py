from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from lora_trainer.config import TrainConfig
from lora_trainer.files.metadata import FolderFacts, RunFacts, lora_metadata
from lora_trainer.host.base import BaseInfo

KOHYA = """
ss_session_id ss_training_started_at ss_training_finished_at ss_steps ss_epoch ss_num_epochs ss_max_train_steps
ss_num_train_images ss_num_reg_images ss_num_batches_per_epoch ss_seed ss_training_comment ss_learning_rate ss_unet_lr
ss_text_encoder_lr ss_lr_scheduler ss_lr_warmup_steps ss_optimizer ss_max_grad_norm ss_gradient_checkpointing
ss_gradient_accumulation_steps ss_network_module ss_network_dim ss_network_alpha ss_network_dropout ss_network_args
ss_scale_weight_norms ss_v2 ss_base_model_version ss_sd_model_name ss_sd_model_hash ss_new_sd_model_hash ss_vae_name
ss_clip_skip ss_max_token_length ss_mixed_precision ss_noise_offset ss_zero_terminal_snr ss_min_snr_gamma
ss_debiased_estimation ss_loss_type ss_prior_loss_weight ss_resolution ss_batch_size_per_device ss_total_batch_size
ss_enable_bucket ss_min_bucket_reso ss_max_bucket_reso ss_bucket_info ss_dataset_dirs ss_reg_dataset_dirs
ss_tag_frequency ss_shuffle_caption ss_keep_tokens ss_flip_aug ss_caption_dropout_rate
"""
FAMILY = {"ss_v2": "False", "ss_base_model_version": "sd_v1", "modelspec.architecture": "stable-diffusion-v1/lora"}
INFO = BaseInfo("base", "sd1", sha256="ab" * 32)
FACTS = RunFacts(
    session_id="77",
    started_at=1.7e9,
    finished_at=1.7e9 + 60,
    step=100,
    epoch=2,
    total_steps=200,
    total_epochs=4,
    batches_per_epoch=50,
    pictures=120,
    regularization_pictures=5,
    folders=(
        FolderFacts("/home/somebody/10_cat", 12, 10, tags={"cat": 12, "猫": 1}),
        FolderFacts("D/10_cat", 3),
        FolderFacts("class", 5, regularization=True),
    ),
    buckets={(512, 512): 100, (448, 576): 20},
    aspect_error=0.01,
)


def metadata_of(config: TrainConfig | None = None, info: BaseInfo = INFO, facts: RunFacts = FACTS) -> dict[str, str]:
    config = config or TrainConfig()
    config.data.resolution, config.base.clip_skip = 512, 1
    return lora_metadata(config, info, facts, FAMILY)


def test_kohyas_whole_set_is_there_and_all_values_are_strings() -> None:
    metadata = metadata_of()
    # ss_output_name is the writer's, since it follows the file's name.
    assert [key for key in KOHYA.split() if key not in metadata] == []
    assert {type(value) for value in metadata.values()} == {str}


def test_the_values_that_the_webui_parses_are_in_its_forms() -> None:
    metadata = metadata_of()
    assert float(metadata["ss_training_started_at"]) == 1.7e9
    assert json.loads(metadata["ss_bucket_info"])["buckets"] == {
        "0": {"resolution": [448, 576], "count": 20},
        "1": {"resolution": [512, 512], "count": 100},
    }
    assert json.loads(metadata["ss_tag_frequency"]) == {"10_cat": {"cat": 12, "猫": 1}}
    assert metadata["ss_resolution"] == "(512, 512)"
    assert metadata["ss_clip_skip"] == "1"


def test_folders_are_told_apart_and_give_no_paths_away() -> None:
    metadata = metadata_of()
    assert json.loads(metadata["ss_dataset_dirs"]) == {
        "10_cat": {"n_repeats": 10, "img_count": 12},
        "10_cat (2)": {"n_repeats": 1, "img_count": 3},
    }
    assert json.loads(metadata["ss_reg_dataset_dirs"]) == {"class": {"n_repeats": 1, "img_count": 5}}
    assert "somebody" not in str(metadata)


def test_what_does_not_apply_is_none_as_kohya_writes_it() -> None:
    metadata = metadata_of()
    for key in ("noise_offset", "text_encoder_lr", "network_dropout", "max_token_length", "vae_name", "sd_model_hash"):
        assert metadata[f"ss_{key}"] == "None", key
    assert metadata["ss_mixed_precision"] == "no"
    assert metadata_of(facts=replace(FACTS, precision="bf16"))["ss_mixed_precision"] == "bf16"


def test_options_arrive() -> None:
    config = TrainConfig(seed=7)
    config.network.rank, config.network.alpha, config.network.rank_stabilized = 16, 2.0, True
    config.network.conv_rank = 4
    config.optimizer.arguments = {"betas": [0.9, 0.99]}
    config.optimizer.accumulation, config.data.batch_size = 3, 2
    metadata = metadata_of(config)
    assert metadata["ss_seed"] == "7"
    assert float(metadata["ss_network_alpha"]) == 8.0  # as the file holds it: 2 * sqrt(16)
    assert json.loads(metadata["ss_network_args"])["conv_dim"] == "4"
    assert metadata["ss_optimizer"] == "adamw(betas=[0.9, 0.99])"
    assert metadata["ss_total_batch_size"] == "6"


def test_the_base_is_named_by_file_and_hashes(tmp_path: Path) -> None:
    base = tmp_path / "base.safetensors"
    base.write_bytes(bytes(0x100000) + b"x" * 0x10000 + b"y")
    metadata = metadata_of(info=replace(INFO, path=str(base)))
    assert metadata["ss_sd_model_name"] == "base.safetensors"
    assert metadata["ss_sd_model_hash"] == hashlib.sha256(b"x" * 0x10000).hexdigest()[:8]
    assert metadata["ss_new_sd_model_hash"] == "ab" * 32
    assert metadata_of()["ss_sd_model_name"] == "base"


@pytest.mark.parametrize(("prediction", "spec"), [("epsilon", "epsilon"), ("v_prediction", "v")])
def test_the_model_spec_is_there(prediction: str, spec: str) -> None:
    config = TrainConfig()
    config.save.name, config.data.trigger_word = "cat", "zwx cat"
    metadata = metadata_of(config, replace(INFO, prediction_type=prediction))
    assert metadata["modelspec.sai_model_spec"] == "1.0.1"
    assert metadata["modelspec.architecture"] == "stable-diffusion-v1/lora"
    assert metadata["modelspec.title"] == "cat"
    assert metadata["modelspec.trigger_phrase"] == "zwx cat"
    assert metadata["modelspec.prediction_type"] == spec
    assert metadata["modelspec.resolution"] == "512x512"
    assert metadata["modelspec.date"] == "2023-11-14T22:14:20"
    assert "modelspec.description" not in metadata
