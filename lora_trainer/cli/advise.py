"""`recommend`: settings that fit base, pictures and goal; `estimate`: the memory that a run will need, and the time."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import options
from ..files.atomic import write_text
from ..presets import GOALS
from . import train
from .progress import Screen

if TYPE_CHECKING:
    from ..config import TrainConfig
    from ..jobs.advisor import Advisor


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    recommend = subparsers.add_parser("recommend", help="settings that fit, with reasons", description=__doc__)
    recommend.add_argument("--goal", choices=GOALS, required=True, help="what the pictures show")
    recommend.add_argument("--out", metavar="FILE.yaml", type=Path, help="write a configuration for `train` there")
    recommend.set_defaults(run=run_recommend)
    estimate = subparsers.add_parser("estimate", help="the memory a run will need, and its time", description=__doc__)
    estimate.add_argument("--probe", action="store_true", help="take a step on the device: measured memory, and time")
    estimate.add_argument("--fits", action="store_true", help="the best batch and resolution for this device")
    estimate.set_defaults(run=run_estimate)
    for parser in (recommend, estimate):
        train.add_run_options(parser)
    return [recommend, estimate]


def run_recommend(arguments: argparse.Namespace) -> dict[str, Any]:
    """Print what to set and why. What was given on the command line is kept. Raises ConfigError."""
    given = train.given_values(arguments)
    config, advisor = _asked(given)
    kept = {option.path: options.value_at(given, option.path) for option in options.walk()}
    found = advisor.recommend(
        config, arguments.goal, {path: value for path, value in kept.items() if value is not None}
    )
    for reason in found.reasons:
        print(f"- {reason.sentence}\n    {', '.join(reason.paths)}")
    text = options.to_yaml(options.build(found.values))
    if arguments.out:
        write_text(arguments.out, text)
        print(f"Written to {arguments.out}: `train {arguments.out}` begins it.")
    return {
        "preset": found.preset,
        "values": found.values,
        "reasons": [{"paths": reason.paths, "text": str(reason.sentence)} for reason in found.reasons],
    }


def run_estimate(arguments: argparse.Namespace) -> dict[str, Any]:
    """Print what a step needs of memory; a run that does not fit is no success. Raises ConfigError."""
    config, advisor = _asked(train.given_values(arguments))
    if arguments.probe:
        return _probe(config, advisor)
    if arguments.fits:
        return _fits(config, advisor)
    outlook = advisor.outlook(config)
    need = outlook.need
    print(outlook.sentence())
    parts = {"weights": need.step.weights, "trained": need.step.trained, "activations": need.step.activations}
    print("  " + ", ".join(f"{name} {size / 2**30:.2f} GB" for name, size in {**parts, "other": need.own}.items()))
    return {
        "ok": need.fits,
        "bytes": need.bytes,
        "total": need.total,
        **parts,
        "milder": dict(outlook.milder),
        "sentence": str(outlook.sentence()),
    }


def _probe(config: TrainConfig, advisor: Advisor) -> dict[str, Any]:
    """Try a step, and print what it took and how long the run will last."""
    screen = Screen(quiet=False)
    tried = advisor.probe(config, tell=screen.show, tried=screen.count("trying a step"))
    screen.close()
    assert tried is not None  # nobody stops it
    print(tried.sentence())
    for one in tried.lasts.buckets if tried.lasts else ():
        height, width = one.size
        print(f"  {one.share:4.0%} of the steps: {one.count} x {width} x {height}, {one.seconds:.2f} s")
    return {"ok": tried.fits, **tried.to_json(), "sentence": str(tried.sentence())}


def _fits(config: TrainConfig, advisor: Advisor) -> dict[str, Any]:
    """Print the best batch and resolution, with and without checkpointing."""
    screen = Screen(quiet=False)
    fits = advisor.fits(config, tell=screen.count("estimating"))
    screen.close()
    assert fits is not None  # nobody stops it
    print(fits.sentence())
    for row in fits.rows:
        sides = f"{row.resolution} px at batch {fits.batch}" if row.resolution else f"no batch of {fits.batch}"
        print(f"  checkpointing {row.checkpointing:4} batch {row.batch} at {fits.resolution} px, or {sides}")
    return {"ok": any(row.batch for row in fits.rows), **fits.to_json(), "sentence": str(fits.sentence())}


def _asked(values: dict[str, Any]) -> tuple[TrainConfig, Advisor]:
    """The configuration, and somebody who knows its base."""
    from ..checks import checked
    from ..host.standalone import StandaloneHost
    from ..jobs.advisor import Advisor
    from ..jobs.forecast import Forecaster
    from ..presets import load_presets

    config = checked(values, lambda config: StandaloneHost(config.base, config.memory).describe())
    host = StandaloneHost(config.base, config.memory)
    return config, Advisor(host, Forecaster(host).scan, load_presets)
