"""The options under `network`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .option import BASIC, option


@dataclass
class NetworkOptions:
    """What is trained."""

    type: str = option(
        "lora",
        "Kind of network. lora: a low-rank change of each weight. dora: one of its direction, and a length for each of "
        "its inputs; learns more at the same rank, a little slower. lokr: a Kronecker product, which takes least "
        "space. loha: two low-rank changes multiplied number by number, of a high rank; slower.",
    )
    rank: int = option(
        16,
        "Size of the adapters: more holds more detail and overfits sooner.",
        level=BASIC,
        least=1,
        most=1024,
        also=("lora_rank", "network_dim"),
    )
    alpha: float = option(
        8.0,
        "Scale of the adapters as alpha / rank; half of the rank is usual.",
        level=BASIC,
        least=0.001,
        most=1024.0,
        also=(
            "lora_alpha",
            "network_alpha",
        ),
    )
    conv_rank: int = option(0, "Rank in 3x3 convolutions (LoCon); 0: leave them out.", least=0, most=1024)
    conv_alpha: float = option(1.0, "Alpha in 3x3 convolutions.", least=0.001, most=1024.0)
    attention_only: bool = option(False, "Leave out feed-forward layers and projections.")
    rank_stabilized: bool = option(False, "Scale by alpha / sqrt(rank) (rsLoRA); suits high ranks.")
    dropout: float = option(
        0.0,
        "Share of an adapter's inputs dropped.",
        least=0.0,
        most=0.95,
        also=(
            "lora_dropout",
            "network_dropout",
        ),
    )
    rank_dropout: float = option(0.0, "Share of an adapter's ranks dropped.", least=0.0, most=0.95)
    module_dropout: float = option(0.0, "Chance that an adapter is skipped in a step.", least=0.0, most=0.95)
    block_ranks: dict[str, int] = option(
        {},
        "Rank by block, e.g. {down.1: 8, mid: 32, up.2: 0}; 0 leaves a block out. alpha / rank stays.",
        least=0,
        most=1024,
    )
    block_rates: dict[str, float] = option(
        {}, "Factor on the learning rate by block, e.g. {down: 0.5, mid: 1.0}.", least=0.0, most=100.0
    )
    train_unet: bool = option(True, "Train the U-Net.")
    train_text_encoder: bool = option(False, "Train the text encoder(s) as well.", level=BASIC)
    train_on: str = option("", "A LoRA file to go on from; its ranks may differ.", place=True)
    arguments: dict[str, Any] = option(
        {},
        "Options of the network's type alone. lokr: {factor: 8}, the size of its smaller matrix (-1: balanced), and "
        "{full: true}, without a rank.",
    )
    scale_weight_norms: float = option(
        0.0, "Longest allowed norm of an adapter's product (max-norm); 0: no limit.", least=0.0, most=100.0
    )
