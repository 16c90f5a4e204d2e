"""What no single option can tell: options that are missing, contradict each other, or name what does not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from . import device, options
from .config import TrainConfig
from .errors import ConfigError, UserError
from .pocket.embedded import is_embedded
from .registry import Registry

BLOCK = re.compile(r"(?:(?:down|up|text)(?:\.\d+)?|mid)")
BLOCKS = "down, down.0 ..., mid, up, up.0 ..., and text, text.0 ... where the text encoder is trained"


def checked(values: Mapping[str, Any]) -> TrainConfig:
    """The configuration in nested values. Raises ConfigError with all that is wrong in single options and together."""
    config, problems = options.read(values)
    problems += _problems(config)
    if problems:
        raise ConfigError(problems)
    return config


def check(config: TrainConfig) -> None:
    """Raise ConfigError with everything that is missing or does not go together."""
    if problems := _problems(config):
        raise ConfigError(problems)


def _problems(config: TrainConfig) -> list[str]:
    return [
        *_missing(config),
        *_contradictions(config),
        *_unknown_names(config),
        *_unknown_blocks(config),
        *_unusable_device(config),
    ]


def _missing(config: TrainConfig) -> Iterator[str]:
    if not config.base.checkpoint:
        yield "base.checkpoint is not set: name a checkpoint file, a diffusers folder, or 'pocket'."
    if not any(folder.path for folder in config.data.folders):
        yield "data.folders is not set: name the folder of pictures."
    if not config.save.name:
        yield "save.name is not set: give the LoRA a name."
    elif not config.save.name.strip(" ."):
        yield f"save.name is '{config.save.name}', which leaves no file name: use a letter or a digit."
    yield from _missing_files(config)


def _missing_files(config: TrainConfig) -> Iterator[str]:
    """Files and folders that options name and that are not there."""
    named = {
        "base.checkpoint": "" if is_embedded(config.base.checkpoint) else config.base.checkpoint,
        "base.vae": config.base.vae,
        "data.metadata": config.data.metadata,
        "network.train_on": config.network.train_on,
    }
    named |= {f"data.folders[{n}]": folder.path for n, folder in enumerate(config.data.folders)}
    for path, value in named.items():
        if value and not Path(value).expanduser().exists():
            yield f"{path} is '{value}', which does not exist. Check the path."


def _contradictions(config: TrainConfig) -> Iterator[str]:
    data, network, loss = config.data, config.network, config.loss
    if loss.timestep_least > loss.timestep_most:
        yield f"loss.timestep_least ({loss.timestep_least}) is above loss.timestep_most ({loss.timestep_most})."
    if 0 < data.resolution < 64:
        yield f"data.resolution is {data.resolution}: the least is 64."
    if data.bucket_least > data.bucket_most:
        yield f"data.bucket_least ({data.bucket_least}) is above data.bucket_most ({data.bucket_most})."
    if data.resolution % 8 or data.bucket_step % 8:
        yield "data.resolution and data.bucket_step must be multiples of 8, the scale of the VAE."
    if not (network.train_unet or network.train_text_encoder):
        yield "network.train_unet and network.train_text_encoder are both off: there is nothing to train."
    if loss.debiased and loss.min_snr_gamma and loss.min_snr_gamma != type(loss)().min_snr_gamma:
        yield "loss.debiased takes the place of min-SNR: set loss.min_snr_gamma to 0."
    if network.scale_weight_norms and config.optimizer.name == "schedule_free_adamw":
        yield "network.scale_weight_norms does not work with schedule_free_adamw: set it to 0."
    if all(folder.regularization for folder in data.folders) and data.folders:
        yield "All data.folders are regularization folders: name one with the pictures to learn."


def _unknown_names(config: TrainConfig) -> Iterator[str]:
    from . import optimizers, schedules
    from .networks.base import NETWORKS
    from .sampling.samplers import SAMPLERS

    tables: list[tuple[str, Registry[Any], str]] = [
        ("network.type", NETWORKS, config.network.type),
        ("optimizer.schedule", schedules.SCHEDULES, config.optimizer.schedule),
        ("samples.sampler", SAMPLERS, config.samples.sampler),
    ]
    for path, registry, name in tables:
        try:
            registry.get(name)
        except UserError as error:
            yield f"{path}: {error}"
    if config.network.type in NETWORKS:
        yield from NETWORKS.get(config.network.type).problems(config.network.arguments)
    yield from optimizers.problems(config.optimizer)


def _unknown_blocks(config: TrainConfig) -> Iterator[str]:
    network = config.network
    for path, table in (("block_ranks", network.block_ranks), ("block_rates", network.block_rates)):
        for name in table:
            if not BLOCK.fullmatch(name):
                yield f"network.{path} names the block '{name}', which there is not. Known are {BLOCKS}."
            elif not (network.train_text_encoder if name.startswith("text") else network.train_unet):
                yield f"network.{path} names the block '{name}', but that part is not trained."


def _unusable_device(config: TrainConfig) -> Iterator[str]:
    memory = config.memory
    try:
        device.choose_dtype(memory.precision, device.choose(memory.device))
    except ConfigError as error:
        yield from error.problems
