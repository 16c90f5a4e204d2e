"""What kind of base a checkpoint is: from its tensors' names and shapes, marks in it, and what is said beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..config import EPSILON, V_PREDICTION
from ..errors import BaseModelError
from ..host.base import BaseInfo
from .base import FAMILIES, Family
from .blocks import UNET, lora_blocks

if TYPE_CHECKING:
    from ..checkpoints import Checkpoint

AUTO = "auto"
CONV_IN = f"{UNET}input_blocks.0.0.weight"
V_MARK, ZERO_SNR_MARK = "v_pred", "ztsnr"
"""Empty tensors by which SDXL bases say that they predict v, and that their last timestep is pure noise."""

Shapes = Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class Detected:
    """`prediction_known` is False for SD2 when nobody says what it predicts: `sd2.probe_prediction` then finds out."""

    info: BaseInfo
    prediction_known: bool = True


def detect(
    checkpoint: Checkpoint, *, family: str = AUTO, prediction_type: str = AUTO, zero_terminal_snr: str = AUTO
) -> Detected:
    """Family, prediction type, zero terminal SNR and latent scale; what is not 'auto' is taken at its word.

    Raises BaseModelError for what cannot be trained on: other networks, inpainting variants, incomplete files.
    """
    shapes = checkpoint.shapes
    _refuse(checkpoint, shapes)
    kind = recognise(checkpoint) if family == AUTO else FAMILIES.get(family)
    _require_parts(checkpoint, kind, shapes)
    said = V_PREDICTION if V_MARK in shapes else checkpoint.hints.prediction_type
    said = prediction_type if prediction_type != AUTO else said
    blocks, conv_blocks = lora_blocks(kind, shapes)
    marked = ZERO_SNR_MARK in shapes or bool(checkpoint.hints.zero_terminal_snr)
    info = BaseInfo(
        name=checkpoint.name,
        family=kind.name,
        prediction_type=said or EPSILON,
        zero_terminal_snr=marked if zero_terminal_snr == AUTO else zero_terminal_snr == "yes",
        latent_scale=checkpoint.hints.latent_scale or kind.latent_scale,
        native_resolution=checkpoint.hints.resolution or kind.resolution(said or EPSILON),
        path=str(checkpoint.path),
        blocks=blocks,
        conv_blocks=conv_blocks,
    )
    return Detected(info, prediction_known=bool(said) or kind.name != "sd2")


def recognise(checkpoint: Checkpoint) -> Family:
    """The family that the tensors' names are of. Raises BaseModelError when there is none."""
    shapes = checkpoint.shapes
    found = next((kind for kind in FAMILIES if kind.recognise(shapes)), None)
    if found is None:
        raise BaseModelError(
            f"{checkpoint.path} is no base of {_families()}: it holds no text encoder of theirs. "
            "Choose a full checkpoint that a WebUI can draw with."
        )
    return found


def _refuse(checkpoint: Checkpoint, shapes: Shapes) -> None:
    """Known kinds that cannot be trained on, each by its own sentence."""
    for matches, what in REFUSED:
        if matches(shapes):
            raise BaseModelError(f"{checkpoint.path} is {what}. Choose a base of {_families()}.")


def _has(*beginnings: str) -> Callable[[Shapes], bool]:
    return lambda shapes: any(key.startswith(beginnings) for key in shapes)


def _inputs(count: int) -> Callable[[Shapes], bool]:
    return lambda shapes: CONV_IN in shapes and shapes[CONV_IN][1] == count


REFUSED: tuple[tuple[Callable[[Shapes], bool], str], ...] = (
    (_has("lora_unet_", "lora_te"), "a LoRA and no base; name it as 'train_on' to go on from it"),
    (_inputs(9), "an inpainting base (9 input channels), which is not supported; train on the base it was made from"),
    (_inputs(8), "an instruct-pix2pix base (8 input channels), which is not supported"),
    (_inputs(7), "an upscaler (7 input channels), which is not supported"),
    (_inputs(5), "a depth-to-picture base (5 input channels), which is not supported"),
    (_has("conditioner.embedders.0.model."), "SDXL's refiner, which is not supported; train on SDXL's base"),
    (_has("edm_mean", "edm_vpred"), "a base with EDM noise (Playground 2.5 and the like), which is not supported"),
    (_has("embedder.model."), "an unCLIP base, which is conditioned on pictures and not supported"),
    (_has("cond_stage_model.roberta."), "an AltDiffusion base, which is not supported"),
    (_has(f"{UNET}joint_blocks.", "joint_blocks."), "a base of Stable Diffusion 3, which is not supported"),
    (
        _has(f"{UNET}double_blocks.", "double_blocks.", "transformer_blocks.", "single_transformer_blocks."),
        "a base of Flux or its kin, which is not supported",
    ),
    (_has("encoder.down.", "encoder.down_blocks."), "a VAE alone and no base; name it as 'vae' beside a base"),
    (_has("down_blocks.", "input_blocks."), "a U-Net alone; a base has its text encoder and VAE with it"),
    (lambda shapes: not any(key.startswith(UNET) for key in shapes), "without a U-Net of Stable Diffusion"),
)


def _require_parts(checkpoint: Checkpoint, family: Family, shapes: Shapes) -> None:
    """Raises BaseModelError when a part is not in the file at all; single tensors are checked when it is built."""
    parts = {"the U-Net": UNET, "the VAE": "first_stage_model."}
    parts.update({f"text encoder {i + 1}": part.prefix for i, part in enumerate(family.text_parts)})
    missing = [name for name, prefix in parts.items() if not any(key.startswith(prefix) for key in shapes)]
    if missing:
        raise BaseModelError(
            f"{checkpoint.path} is no complete base of {family.label}: it lacks {' and '.join(missing)}. "
            "Choose the full version of it."
        )


def _families() -> str:
    *most, last = (kind.label for kind in FAMILIES)
    return f"{', '.join(most)} or {last}"
