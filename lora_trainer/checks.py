"""What no single option can tell: options that are missing, contradict each other, or name what does not exist."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import devices, options
from .config import TrainConfig
from .errors import ConfigError, UserError
from .host.base import BaseInfo
from .pocket.embedded import is_embedded
from .registry import Registry
from .sentences import Sentence

if TYPE_CHECKING:
    from .networks.base import NetworkType

BLOCK = re.compile(r"(?:(?:down|up|text)(?:\.\d+)?|mid)")
NO_BLOCK = "{path} names the block '{name}', which there is not. Known are {known}."
BLOCKS = "down, down.0 ..., mid, up, up.0 ..., and text, text.0 ... where the text encoder is trained"
Describe = Callable[[TrainConfig], BaseInfo]
"""Looks at the header of the base that options name."""


def checked(values: Mapping[str, Any], describe: Describe | None = None) -> TrainConfig:
    """The configuration in nested values. Raises ConfigError with all that is wrong in single options and together.

    `describe` as in `check`.
    """
    config, problems = options.read(values)
    _raise(config, problems, describe)
    return config


def check(config: TrainConfig, describe: Describe | None = None) -> None:
    """Raise ConfigError with everything that is missing or does not go together.

    `describe` looks at the base's header, which is asked for only where an option depends on it, or where there are
    problems already, so that one of the base is told with them. Raises what it raises when that is all there is.
    """
    _raise(config, [], describe)


def _raise(config: TrainConfig, problems: list[str], describe: Describe | None) -> None:
    problems = [*problems, *_problems(config)]
    blocks = [*_named_blocks(config)]
    if describe and _base_is_there(config) and (problems or blocks):
        try:
            info = describe(config)
        except UserError as error:
            if not problems:
                raise
            problems.append(error.sentence)
        else:
            problems += [*_blocks_not_in(info, config, blocks)]
    if problems:
        raise ConfigError(problems)


def _problems(config: TrainConfig) -> list[Sentence]:
    return [
        *_missing(config),
        *amiss(config),
        *_unusable_device(config),
    ]


def _problem(code: str, template: str, path: str, **values: Any) -> Sentence:
    """A sentence about the option at `path`."""
    return Sentence(code, template, path=path, **values)


def _missing(config: TrainConfig) -> Iterator[Sentence]:
    if not config.base.checkpoint:
        sentence = "{path} is not set: name a checkpoint file, a diffusers folder, or 'pocket'."
        yield _problem("base_missing", sentence, "base.checkpoint")
    if not any(folder.path for folder in config.data.folders):
        yield _problem("pictures_missing", "{path} is not set: name the folder of pictures.", "data.folders")
    if not config.save.name:
        yield _problem("name_missing", "{path} is not set: give the LoRA a name.", "save.name")
    elif not config.save.name.strip(" ."):
        sentence = "{path} is '{value}', which leaves no file name: use a letter or a digit."
        yield _problem("name_unusable", sentence, "save.name", value=config.save.name)
    yield from _missing_files(config)


def amiss(config: TrainConfig) -> list[Sentence]:
    """What contradicts itself or names nothing known, whatever base and pictures are: all that a preset can have."""
    return [*_contradictions(config), *_unknown_names(config), *_unknown_blocks(config)]


def _base_is_there(config: TrainConfig) -> bool:
    name = config.base.checkpoint
    return bool(name) and (is_embedded(name) or Path(name).expanduser().exists())


def _missing_files(config: TrainConfig) -> Iterator[Sentence]:
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
            sentence = "{path} is '{value}', which does not exist. Check the path."
            yield _problem("path_missing", sentence, path, value=value)


def _contradictions(config: TrainConfig) -> Iterator[Sentence]:
    data, network, loss = config.data, config.network, config.loss
    if loss.timestep_least > loss.timestep_most:
        sentence = "{path} ({least}) is above loss.timestep_most ({most})."
        bounds = {"least": loss.timestep_least, "most": loss.timestep_most}
        yield _problem("timesteps_crossed", sentence, "loss.timestep_least", **bounds)
    if 0 < data.resolution < 64:
        sentence = "{path} is {value}: the least is 64."
        yield _problem("resolution_least", sentence, "data.resolution", value=data.resolution)
    if data.bucket_least > data.bucket_most:
        sentence = "{path} ({least}) is above data.bucket_most ({most})."
        bounds = {"least": data.bucket_least, "most": data.bucket_most}
        yield _problem("buckets_crossed", sentence, "data.bucket_least", **bounds)
    if data.resolution % 8 or data.bucket_step % 8:
        sentence = "data.resolution and data.bucket_step must be multiples of 8, the scale of the VAE."
        path = "data.resolution" if data.resolution % 8 else "data.bucket_step"
        yield _problem("not_multiple_of_8", sentence, path)
    if not (network.train_unet or network.train_text_encoder):
        sentence = "{path} and network.train_text_encoder are both off: there is nothing to train."
        yield _problem("nothing_to_train", sentence, "network.train_unet")
    if loss.debiased and loss.min_snr_gamma and loss.min_snr_gamma != type(loss)().min_snr_gamma:
        sentence = "loss.debiased takes the place of min-SNR: set {path} to 0."
        yield _problem("debiased_min_snr", sentence, "loss.min_snr_gamma")
    if network.scale_weight_norms and config.optimizer.name == "schedule_free_adamw":
        sentence = "{path} does not work with schedule_free_adamw: set it to 0."
        yield _problem("norms_schedule_free", sentence, "network.scale_weight_norms")
    if all(folder.regularization for folder in data.folders) and data.folders:
        sentence = "All {path} are regularization folders: name one with the pictures to learn."
        yield _problem("only_regularization", sentence, "data.folders")


def _unknown_names(config: TrainConfig) -> Iterator[Sentence]:
    from . import optimizers
    from .networks.base import NETWORKS

    tables = registries()
    del tables["optimizer.name"]  # which may also be the path of a class
    for path, registry in tables.items():
        section, _, name = path.partition(".")
        try:
            registry.get(getattr(getattr(config, section), name))
        except UserError as error:
            yield _problem("unknown_name", "{path}: {problem}", path, problem=str(error))
    if config.network.type in NETWORKS:
        yield from _unfit_for_the_type(config, NETWORKS.get(config.network.type))
    for problem in optimizers.problems(config.optimizer):
        yield _problem("optimizer_unusable", "{problem}", "optimizer.name", problem=problem)


def _unfit_for_the_type(config: TrainConfig, network: NetworkType) -> Iterator[Sentence]:
    """What the type of network does not take."""
    for problem in network.problems(config.network.arguments):
        yield _problem("network_arguments", "{problem}", "network.arguments", problem=problem)
    for path in options.differences(config, TrainConfig()):
        if path in network.without:
            sentence = "{path} has no meaning for the network type '{type}': take it out, or choose another type."
            yield _problem("network_without", sentence, path, type=network.name)


def _unknown_blocks(config: TrainConfig) -> Iterator[Sentence]:
    """Names that are no block's in any base, or of a part that is not trained."""
    for path, name in _all_blocks(config):
        if not BLOCK.fullmatch(name):
            yield _problem("block_unknown", NO_BLOCK, path, name=name, known=BLOCKS)
        elif not _is_trained(name, config):
            sentence = "{path} names the block '{name}', but that part is not trained."
            yield _problem("block_untrained", sentence, path, name=name)


def _blocks_not_in(info: BaseInfo, config: TrainConfig, named: Iterable[tuple[str, str]]) -> Iterator[Sentence]:
    """Names of blocks, with their options, that this base does not have; nothing where its blocks are not known."""
    trained = (*info.blocks, *(info.conv_blocks if config.network.conv_rank else ()))
    for path, name in named if info.blocks else ():
        if any(_is_part(block, name) for block in trained):
            continue
        if any(_is_part(block, name) for block in info.conv_blocks):
            sentence = "{path} names the block '{name}', which has convolutions alone: set network.conv_rank as well."
            yield _problem("block_of_convolutions", sentence, path, name=name)
        else:
            known = ", ".join(block for block in sorted(trained, key=_order) if _is_trained(block, config))
            yield _problem("block_unknown", NO_BLOCK, path, name=name, known=known)


def _all_blocks(config: TrainConfig) -> Iterator[tuple[str, str]]:
    """(path of the option, name of the block) of all that options name."""
    for option in ("block_ranks", "block_rates"):
        yield from ((f"network.{option}", name) for name in getattr(config.network, option))


def _named_blocks(config: TrainConfig) -> Iterator[tuple[str, str]]:
    """Those of them that a base may have."""
    return ((path, name) for path, name in _all_blocks(config) if BLOCK.fullmatch(name) and _is_trained(name, config))


def _is_trained(block: str, config: TrainConfig) -> bool:
    network = config.network
    return network.train_text_encoder if block.startswith("text") else network.train_unet


def _is_part(block: str, name: str) -> bool:
    """Whether `name` means this block: itself, or what it is part of."""
    return block == name or block.startswith(f"{name}.")


def _order(block: str) -> tuple[int, int]:
    """As a picture goes through the base, in the order of BLOCKS."""
    part, _, number = block.partition(".")
    return ("down", "mid", "up", "text").index(part), int(number or 0)


def _unusable_device(config: TrainConfig) -> Iterator[Sentence]:
    memory = config.memory
    try:
        chosen = devices.choose(memory.device)
    except ConfigError as error:
        yield _problem("device_unusable", "{problem}", "memory.device", problem=str(error))
        return
    try:
        devices.choose_dtype(memory.precision, chosen)
    except ConfigError as error:
        yield _problem("precision_unusable", "{problem}", "memory.precision", problem=str(error))


def registries() -> dict[str, Registry[Any]]:
    """The tables whose names options may take, by the option's path."""
    from . import optimizers, schedules
    from .networks.base import NETWORKS
    from .sampling.samplers import SAMPLERS

    return {
        "network.type": NETWORKS,
        "optimizer.schedule": schedules.SCHEDULES,
        "samples.sampler": SAMPLERS,
        "optimizer.name": optimizers.OPTIMIZERS,
    }
