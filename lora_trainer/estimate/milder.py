"""Gentler settings for a device that is too small, one change after another, as a person would try them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

from ..config import TrainConfig
from .fits import scaled
from .need import Estimator, Size

MODES = ("off", "largest", "all")
"""Checkpointing, from what is fastest to what needs least."""
LEAST_RANK = 8
"""Lower ones hold too little for the few bytes that they save."""
RESOLUTIONS = (768, 512)
"""What bases were trained at; tried from above."""
CHANGED = (
    "memory.checkpointing",
    "data.batch_size",
    "optimizer.accumulation",
    "network.train_text_encoder",
    "network.rank",
    "network.alpha",
    "network.conv_rank",
    "network.conv_alpha",
    "data.resolution",
)
"""The options that are changed to make a run fit."""


def milder(
    estimator_of: Callable[[TrainConfig], Estimator], config: TrainConfig, size: Size, kept: Collection[str] = ()
) -> TrainConfig | None:
    """The configuration nearest to `config` that fits; None when nothing does.

    `size` is the largest bucket (height, width), `kept` are paths of options that stay as they are.
    """

    def fits(candidate: TrainConfig, scale: float) -> bool:
        estimator = estimator_of(candidate)
        need = estimator.need(scaled(size, scale), candidate.data.batch_size, candidate.memory.checkpointing)
        return need.fits

    candidates = list(_gentler(config, kept))
    same = [pair for pair in candidates if pair[0].network == config.network and pair[1] == 1]
    others = candidates[len(same) :]  # for another network a model is to be imagined anew
    found = next((pair for pair in same if fits(*pair)), None)
    if found is None and others and fits(*others[-1]):  # the last one needs least of all
        found = next(pair for pair in others if fits(*pair))
    return found[0] if found else None


def _gentler(config: TrainConfig, kept: Collection[str]) -> Iterator[tuple[TrainConfig, float]]:
    """Configurations that need less and less, with the factor on the sides of the pictures.

    More is computed twice; batches become smaller at the same effective one; the text encoders, which are as large as
    a half of a small U-Net, are left alone; less rank; lower resolution.
    """
    steps: tuple[tuple[tuple[str, ...], Callable[[TrainConfig], Iterator[TrainConfig]]], ...] = (
        (("memory.checkpointing",), _checkpointing),
        (("data.batch_size", "optimizer.accumulation"), _batches),
        (("network.train_text_encoder",), _without_text_encoders),
        (("network.rank", "network.alpha", "network.conv_rank", "network.conv_alpha"), _ranks),
    )
    for paths, changes in steps:
        if not any(path in kept for path in paths):
            for changed in changes(config):
                config = changed
                yield config, 1.0
    if "data.resolution" not in kept:
        for resolution in RESOLUTIONS:
            if resolution < config.data.resolution:
                data = replace(config.data, resolution=resolution)
                yield replace(config, data=data), resolution / config.data.resolution


def _checkpointing(config: TrainConfig) -> Iterator[TrainConfig]:
    for mode in MODES[MODES.index(config.memory.checkpointing) + 1 :]:
        yield replace(config, memory=replace(config.memory, checkpointing=mode))


def _batches(config: TrainConfig) -> Iterator[TrainConfig]:
    while config.data.batch_size > 1:
        data = replace(config.data, batch_size=-(-config.data.batch_size // 2))
        optimizer = replace(config.optimizer, accumulation=config.optimizer.accumulation * 2)
        config = replace(config, data=data, optimizer=optimizer)
        yield config


def _without_text_encoders(config: TrainConfig) -> Iterator[TrainConfig]:
    if config.network.train_text_encoder and config.network.train_unet:
        yield replace(config, network=replace(config.network, train_text_encoder=False))


def _ranks(config: TrainConfig) -> Iterator[TrainConfig]:
    """Half of all ranks, as often as that leaves enough; alphas follow, so that steps stay as strong."""
    while config.network.rank > LEAST_RANK:
        network = config.network
        rank, conv_rank = max(LEAST_RANK, network.rank // 2), -(-network.conv_rank // 2)
        network = replace(
            network,
            rank=rank,
            alpha=network.alpha * rank / network.rank,
            conv_rank=conv_rank,
            conv_alpha=network.conv_alpha * conv_rank / network.conv_rank if conv_rank else network.conv_alpha,
        )
        config = replace(config, network=network)
        yield config
