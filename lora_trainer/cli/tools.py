"""`merge`, `resize`, `extract`, `convert`: LoRA files into other LoRA files and checkpoints."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from .named import require

if TYPE_CHECKING:
    from ..lowrank import RankRule
    from ..tools.common import WeightedLora

DTYPES = ("fp16", "bf16", "fp32")
KEEPS = ("energy", "frobenius", "cumulative", "ratio")


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    return [_add_merge(subparsers), _add_resize(subparsers), _add_extract(subparsers), _add_convert(subparsers)]


def _add_merge(subparsers: Any) -> argparse.ArgumentParser:
    parser = subparsers.add_parser("merge", help="join LoRAs, or put them into a checkpoint")
    parser.add_argument("lora", nargs="+", metavar="FILE[=STRENGTH]", help="LoRA files, e.g. cat.safetensors=0.8")
    parser.add_argument("--into", type=Path, metavar="CHECKPOINT", help="a checkpoint that they are put into")
    parser.add_argument(
        "--rank", type=_rank, help="rank of the joined LoRA; without it the sum is exact and ranks add up"
    )
    _add_output(parser)
    parser.set_defaults(run=_merge)
    return parser


def _add_resize(subparsers: Any) -> argparse.ArgumentParser:
    parser = subparsers.add_parser("resize", help="give a LoRA another rank")
    parser.add_argument("lora", type=Path, metavar="FILE")
    _add_rule(parser)
    _add_output(parser)
    parser.set_defaults(run=_resize)
    return parser


def _add_extract(subparsers: Any) -> argparse.ArgumentParser:
    parser = subparsers.add_parser("extract", help="make a LoRA of the difference of two checkpoints")
    parser.add_argument("--base", type=Path, required=True, metavar="CHECKPOINT", help="the one to begin with")
    parser.add_argument("--tuned", type=Path, required=True, metavar="CHECKPOINT", help="the one to arrive at")
    parser.add_argument("--conv-rank", type=_rank, help="rank of 3x3 convolutions; without it they are left out")
    parser.add_argument("--no-text", action="store_true", help="leave the text encoders out")
    _add_rule(parser, rank=32)
    _add_output(parser, dtype="fp16")
    parser.set_defaults(run=_extract)
    return parser


def _add_convert(subparsers: Any) -> argparse.ArgumentParser:
    parser = subparsers.add_parser("convert", help="give a LoRA other key names or another number format")
    parser.add_argument("lora", type=Path, metavar="FILE")
    parser.add_argument("--style", choices=("kohya", "diffusers"), default="kohya", help="key names (default: kohya)")
    parser.add_argument(
        "--blocks", choices=("original", "diffusers"), help="numbering of U-Net blocks in kohya's names"
    )
    _add_output(parser)
    parser.set_defaults(run=_convert)
    return parser


def _add_output(parser: argparse.ArgumentParser, dtype: str | None = None) -> None:
    parser.add_argument("--out", type=_output, required=True, metavar="FILE", help="the .safetensors file to write")
    parser.add_argument("--dtype", choices=DTYPES, default=dtype, help="number format (default: that of the source)")


def _add_rule(parser: argparse.ArgumentParser, rank: int | None = None) -> None:
    parser.add_argument("--rank", type=_rank, default=rank, help="the rank, or the highest one together with --keep")
    parser.add_argument(
        "--keep", metavar="HOW=VALUE", help="rank by module: energy=0.9, frobenius=0.95, cumulative=0.9 or ratio=20"
    )


def _output(text: str) -> Path:
    if not text.lower().endswith(".safetensors"):
        raise argparse.ArgumentTypeError(f"'{text}' must end in .safetensors")
    return Path(text)


def _rank(text: str) -> int:
    if not (text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"'{text}' must be a whole number of at least 1")
    return int(text)


def _merge(arguments: argparse.Namespace) -> dict[str, Any]:
    from ..lowrank import RankRule
    from ..tools.merge import merge_loras
    from ..tools.merge_checkpoint import merge_into_checkpoint

    inputs = [weighted(text) for text in arguments.lora]
    require(*(given.path for given in inputs), arguments.into)
    if arguments.into:
        if arguments.rank:
            raise ConfigError(["--rank is for joined LoRAs; a checkpoint takes them exactly. Leave one of them out."])
        return _told(arguments, merge_into_checkpoint(arguments.into, inputs, arguments.out, dtype=arguments.dtype))
    rule = RankRule(rank=arguments.rank) if arguments.rank else None
    return _told(arguments, merge_loras(inputs, arguments.out, rule=rule, dtype=arguments.dtype))


def _resize(arguments: argparse.Namespace) -> dict[str, Any]:
    from ..tools.resize import resize_lora

    rule = _rule(arguments)
    require(arguments.lora)
    return _told(arguments, resize_lora(arguments.lora, arguments.out, rule=rule, dtype=arguments.dtype))


def _extract(arguments: argparse.Namespace) -> dict[str, Any]:
    from ..lowrank import RankRule
    from ..tools.extract import ExtractRules, extract_lora

    conv = RankRule(rank=arguments.conv_rank) if arguments.conv_rank else None
    rules = ExtractRules(linear=_rule(arguments), conv=conv, text=not arguments.no_text)
    require(arguments.base, arguments.tuned)
    done = extract_lora(arguments.base, arguments.tuned, arguments.out, rules=rules, dtype=arguments.dtype)
    return _told(arguments, done)


def _convert(arguments: argparse.Namespace) -> dict[str, Any]:
    from ..tools.convert import convert_lora

    require(arguments.lora)
    done = convert_lora(
        arguments.lora, arguments.out, style=arguments.style, blocks=arguments.blocks, dtype=arguments.dtype
    )
    return _told(arguments, done)


def weighted(text: str) -> WeightedLora:
    """'cat.safetensors=0.8' as a file and its strength (1 without a number). Raises ConfigError."""
    from ..tools.common import WeightedLora

    path, equals, strength = text.rpartition("=")
    if not equals or Path(text).exists():
        return WeightedLora(Path(text))
    try:
        return WeightedLora(Path(path), float(strength))
    except ValueError:
        raise ConfigError([f"'{text}' is not of the form FILE=STRENGTH, e.g. cat.safetensors=0.8."]) from None


def _rule(arguments: argparse.Namespace) -> RankRule:
    from ..lowrank import RankRule

    if not arguments.keep and not arguments.rank:
        raise ConfigError(["Give the new rank (--rank 8), or how much is to be kept (--keep energy=0.95)."])
    if not arguments.keep:
        return RankRule(rank=arguments.rank)
    how, _, value = arguments.keep.partition("=")
    try:
        amount = float(value)
    except ValueError:
        amount = -1.0
    if how not in KEEPS or amount < 0:
        raise ConfigError(
            [f"--keep is '{arguments.keep}', but must be like energy=0.9, with one of {', '.join(KEEPS)}."]
        )
    return RankRule(rank=arguments.rank, keep=how, amount=amount)


def _told(arguments: argparse.Namespace, done: Any) -> dict[str, Any]:
    """The result for --json, and in words without it."""
    values = {key: str(value) if isinstance(value, Path) else value for key, value in dataclasses.asdict(done).items()}
    if not arguments.json:
        print(f"Wrote {values.pop('path')}")
        print("\n".join(f"  {key.replace('_', ' ')}: {value}" for key, value in values.items()))
    return values
