"""The metadata of a LoRA file: kohya's `ss_*` set, which every host and tool reads, and Stability's `modelspec.*`.

All values are strings; what does not apply is 'None', as kohya writes it.
Model spec: https://github.com/Stability-AI/ModelSpec (1.0.1).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..config import TrainConfig
from ..host.base import BaseInfo
from .hashes import legacy_hash

SPEC_VERSION = "1.0.1"


@dataclass(frozen=True)
class FolderFacts:
    """A folder of pictures as it was used; `tags` counts the tags of its captions."""

    name: str
    pictures: int
    repeats: int = 1
    regularization: bool = False
    tags: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class RunFacts:
    """What only the run itself knows. Times are seconds since 1970; `pictures` are counted with their repeats."""

    session_id: str
    started_at: float
    finished_at: float
    step: int
    epoch: int
    total_steps: int
    total_epochs: int
    batches_per_epoch: int
    pictures: int
    regularization_pictures: int = 0
    folders: Sequence[FolderFacts] = ()
    buckets: Mapping[tuple[int, int], int] = field(default_factory=dict)
    """Number of pictures by bucket (width, height)."""
    aspect_error: float = 0.0
    """Mean difference between the pictures' aspect ratios and those of their buckets."""
    warmup_steps: int = 0
    precision: str = "fp32"


def lora_metadata(
    config: TrainConfig,
    info: BaseInfo,
    facts: RunFacts,
    family: Mapping[str, str],
    network: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The metadata of one save. `family` is Family.metadata(info); `network` is the network type's share, if any.

    `ss_output_name` and the hashes are set by the writer, since they depend on the file.
    """
    groups = (_run, _rates, _network, _model, _loss, _data, _folders, _spec)
    values: dict[str, Any] = {}
    for group in groups:
        values.update(group(config, info, facts))
    return {key: _text(value) for key, value in {**values, **family, **(network or {})}.items()}


def _text(value: Any) -> str:
    """A value as kohya writes it; containers as JSON."""
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _run(config: TrainConfig, info: BaseInfo, facts: RunFacts) -> dict[str, Any]:
    return {
        "ss_session_id": facts.session_id,
        "ss_training_started_at": float(facts.started_at),
        "ss_training_finished_at": float(facts.finished_at),
        "ss_steps": facts.step,
        "ss_epoch": facts.epoch,
        "ss_num_epochs": facts.total_epochs,
        "ss_max_train_steps": facts.total_steps,
        "ss_num_train_images": facts.pictures,
        "ss_num_reg_images": facts.regularization_pictures,
        "ss_num_batches_per_epoch": facts.batches_per_epoch,
        "ss_seed": config.seed,
        "ss_training_comment": config.save.comment or None,
    }


def _rates(config: TrainConfig, info: BaseInfo, facts: RunFacts) -> dict[str, Any]:
    optimizer, network = config.optimizer, config.network
    arguments = ",".join(f"{key}={value}" for key, value in optimizer.arguments.items())
    return {
        "ss_learning_rate": optimizer.learning_rate,
        "ss_unet_lr": optimizer.learning_rate if network.train_unet else None,
        "ss_text_encoder_lr": optimizer.text_encoder_rate if network.train_text_encoder else None,
        "ss_lr_scheduler": optimizer.schedule,
        "ss_lr_warmup_steps": facts.warmup_steps,
        "ss_optimizer": optimizer.name + (f"({arguments})" if arguments else ""),
        "ss_max_grad_norm": optimizer.clip_norm,
        "ss_gradient_checkpointing": config.memory.checkpointing != "off",
        "ss_gradient_accumulation_steps": optimizer.accumulation,
    }


def _network(config: TrainConfig, info: BaseInfo, facts: RunFacts) -> dict[str, Any]:
    network = config.network
    return {
        "ss_network_module": "networks.lora",
        "ss_network_dim": network.rank,
        "ss_network_alpha": network.alpha * (network.rank**0.5 if network.rank_stabilized else 1.0),
        "ss_network_dropout": network.dropout or None,
        "ss_network_args": _network_arguments(config),
        "ss_scale_weight_norms": network.scale_weight_norms or None,
    }


def lycoris_metadata(config: TrainConfig, algorithm: str, **arguments: Any) -> dict[str, str]:
    """What the metadata say of a network of a type that others know as LyCORIS's `algorithm`."""
    told = {"algo": algorithm, **{key: str(value) for key, value in arguments.items()}, **_network_arguments(config)}
    return {"ss_network_module": "lycoris.kohya", "ss_network_args": _text(told)}


def _network_arguments(config: TrainConfig) -> dict[str, str]:
    """Further options of the network under kohya's names, as far as it has names for them."""
    network = config.network
    arguments = {
        "conv_dim": network.conv_rank,
        "conv_alpha": network.conv_alpha if network.conv_rank else 0,
        "rank_dropout": network.rank_dropout,
        "module_dropout": network.module_dropout,
        "rank_stabilized": network.rank_stabilized,
        "attention_only": network.attention_only,
        "block_ranks": network.block_ranks,
        "block_rates": network.block_rates,
        "loraplus_lr_ratio": config.optimizer.loraplus_ratio if config.optimizer.loraplus_ratio != 1.0 else 0,
    }
    return {key: str(value) for key, value in arguments.items() if value}


def _model(config: TrainConfig, info: BaseInfo, facts: RunFacts) -> dict[str, Any]:
    file = Path(info.path) if info.path else None
    return {
        "ss_sd_model_name": file.name if file else info.name,
        "ss_sd_model_hash": _legacy_hash(file),
        "ss_new_sd_model_hash": info.sha256 or None,
        "ss_vae_name": Path(config.base.vae).name if config.base.vae else None,
        "ss_clip_skip": config.base.clip_skip,
        "ss_max_token_length": config.base.max_tokens if config.base.max_tokens > 75 else None,
        "ss_mixed_precision": "no" if facts.precision == "fp32" else facts.precision,
        "ss_zero_terminal_snr": info.zero_terminal_snr,
    }


def _legacy_hash(file: Path | None) -> str | None:
    """The WebUI's old hash of the base, by which older files name theirs."""
    if file is None or not file.is_file():
        return None
    with file.open("rb") as opened:
        return legacy_hash(opened)


def _loss(config: TrainConfig, info: BaseInfo, facts: RunFacts) -> dict[str, Any]:
    loss = config.loss
    return {
        "ss_noise_offset": loss.noise_offset or None,
        "ss_multires_noise_iterations": loss.pyramid_levels or None,
        "ss_multires_noise_discount": loss.pyramid_discount if loss.pyramid_levels else None,
        "ss_ip_noise_gamma": loss.input_perturbation or None,
        "ss_min_snr_gamma": None if loss.debiased else loss.min_snr_gamma or None,
        "ss_debiased_estimation": loss.debiased,
        "ss_loss_type": loss.type,
        "ss_huber_c": loss.huber_delta if loss.type == "huber" else None,
        "ss_prior_loss_weight": config.data.prior_weight,
    }


def _data(config: TrainConfig, info: BaseInfo, facts: RunFacts) -> dict[str, Any]:
    data = config.data
    return {
        "ss_resolution": (data.resolution, data.resolution),
        "ss_batch_size_per_device": data.batch_size,
        "ss_total_batch_size": data.batch_size * config.optimizer.accumulation,
        "ss_enable_bucket": data.buckets,
        "ss_bucket_no_upscale": not data.upscale,
        "ss_min_bucket_reso": data.bucket_least if data.buckets else None,
        "ss_max_bucket_reso": data.bucket_most if data.buckets else None,
        "ss_bucket_info": _bucket_info(facts) if data.buckets else None,
        "ss_random_crop": data.crop == "random",
        "ss_shuffle_caption": data.shuffle_tags,
        "ss_keep_tokens": data.keep_tags,
        "ss_flip_aug": data.flip,
        "ss_caption_dropout_rate": data.caption_dropout,
        "ss_caption_tag_dropout_rate": data.tag_dropout,
    }


def _bucket_info(facts: RunFacts) -> dict[str, Any]:
    buckets = {
        str(index): {"resolution": list(size), "count": count}
        for index, (size, count) in enumerate(sorted(facts.buckets.items()))
    }
    return {"buckets": buckets, "mean_img_ar_error": facts.aspect_error}


def _folders(config: TrainConfig, info: BaseInfo, facts: RunFacts) -> dict[str, Any]:
    named = _distinct_names(facts.folders)
    counts = {name: {"n_repeats": folder.repeats, "img_count": folder.pictures} for name, folder in named.items()}
    return {
        "ss_dataset_dirs": {name: counts[name] for name in named if not named[name].regularization},
        "ss_reg_dataset_dirs": {name: counts[name] for name in named if named[name].regularization},
        "ss_tag_frequency": {name: dict(folder.tags) for name, folder in named.items() if folder.tags},
    }


def _distinct_names(folders: Sequence[FolderFacts]) -> dict[str, FolderFacts]:
    """Folders by their last name (a whole path would tell strangers about the user's disk), made distinct."""
    named: dict[str, FolderFacts] = {}
    for folder in folders:
        name, number = Path(folder.name).name or folder.name, 2
        while name in named:
            name, number = f"{Path(folder.name).name} ({number})", number + 1
        named[name] = folder
    return named


def _spec(config: TrainConfig, info: BaseInfo, facts: RunFacts) -> dict[str, Any]:
    date = datetime.fromtimestamp(facts.finished_at, tz=timezone.utc)
    spec = {
        "sai_model_spec": SPEC_VERSION,
        "title": config.save.name,
        "date": date.strftime("%Y-%m-%dT%H:%M:%S"),
        "resolution": f"{config.data.resolution}x{config.data.resolution}",
        "prediction_type": "v" if info.prediction_type == "v_prediction" else "epsilon",
        "timestep_range": f"{config.loss.timestep_least},{config.loss.timestep_most + 1}",
        "encoder_layer": config.base.clip_skip,
        "trigger_phrase": config.data.trigger_word,
        "description": config.save.comment,
    }
    return {f"modelspec.{key}": value for key, value in spec.items() if value != ""}
