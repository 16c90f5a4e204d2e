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
        0.0, "Shift of the noise's mean by channel; lets pictures become darker and brighter.", least=0.0, most=1.0
    )
    timestep_least: int = option(0, "First timestep that is trained.", least=0, most=999)
    timestep_most: int = option(999, "Last timestep that is trained.", least=0, most=999)
