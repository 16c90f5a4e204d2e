"""The options under `base`."""

from __future__ import annotations

from dataclasses import dataclass

from .option import BASIC, option

EPSILON, V_PREDICTION = "epsilon", "v_prediction"
"""What a base may predict: the noise, or the velocity."""


@dataclass
class BaseOptions:
    """The checkpoint that is trained on."""

    checkpoint: str = option(
        "",
        "Checkpoint file, diffusers folder, or 'pocket' for the small embedded base.",
        level=BASIC,
        also=("base_model",),
        place=True,
    )
    vae: str = option("", "Another VAE file to encode pictures with; empty: the one in the checkpoint.", place=True)
    family: str = option("auto", "Kind of base; 'auto' reads it from the file.", choices=("auto", "sd1", "sd2", "sdxl"))
    prediction_type: str = option(
        "auto",
        "What the base predicts; 'auto' reads it from the file.",
        choices=("auto", EPSILON, V_PREDICTION),
    )
    zero_terminal_snr: str = option(
        "auto",
        "Noise up to pure noise at the last timestep; 'auto' reads it from the file.",
        choices=("auto", "yes", "no"),
    )
    clip_skip: int = option(
        1, "Layer of the text encoder counted from the end; anime bases of SD1 want 2.", level=BASIC, least=1, most=12
    )
    max_tokens: int = option(75, "Longest caption in tokens; what is beyond is cut off.", choices=(75, 150, 225))
