"""The options under `loss`."""

from __future__ import annotations

from dataclasses import dataclass

from .option import option


@dataclass
class LossOptions:
    """What is compared, and how it is weighed."""

    type: str = option("l2", "Kind of loss.", choices=("l2", "l1", "huber"))
    huber_delta: float = option(0.1, "Difference from which Huber loss grows linearly.", least=1e-6, most=10.0)
    min_snr_gamma: float = option(
        5.0, "Limit on the weight of little-noised pictures (min-SNR); 0: none.", least=0.0, most=100.0
    )
    debiased: bool = option(False, "Weigh by 1 / sqrt(SNR) (debiased estimation) in place of min-SNR.")
    noise_offset: float = option(
        0.0,
        "Shift of the noise's mean by channel; lets pictures become darker and brighter.",
        least=0.0,
        most=1.0,
        also=("noise_offset",),
    )
    pyramid_levels: int = option(
        0,
        "Layers of ever coarser noise under the usual one (pyramid noise, 6 to 10 are usual); teaches large shapes and "
        "brightness. 0: none.",
        least=0,
        most=16,
        also=("multires_noise_iterations",),
    )
    pyramid_discount: float = option(
        0.3,
        "How strong each layer of pyramid noise is beside the next finer one.",
        least=0.0,
        most=1.0,
        also=("multires_noise_discount",),
    )
    input_perturbation: float = option(
        0.0,
        "Noise on the noise that the base sees but is not asked for, against errors that add up over a picture's "
        "steps; 0.1 is usual, 0: none.",
        least=0.0,
        most=1.0,
        also=("ip_noise_gamma",),
    )
    timestep_least: int = option(0, "First timestep that is trained.", least=0, most=999)
    timestep_most: int = option(999, "Last timestep that is trained.", least=0, most=999)
