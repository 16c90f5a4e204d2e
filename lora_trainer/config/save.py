"""The options under `save`."""

from __future__ import annotations

from dataclasses import dataclass

from .option import BASIC, option


@dataclass
class SaveOptions:
    """Files that are written."""

    name: str = option("", "Name of the LoRA.", level=BASIC)
    output: str = option("out", "Folder that the LoRA is written to.", level=BASIC, also=("output_dir",), place=True)
    every: int = option(
        0, "Steps between saves; 0: see every_epochs.", least=0, most=1000000, also=("save_steps", "save_every_n_steps")
    )
    every_epochs: int = option(
        0, "Epochs between saves; 0: only at the end unless 'every' is set.", least=0, most=10000
    )
    state_minutes: float = option(
        10.0,
        "Longest time between states to resume from; a state is written with every save as well.",
        least=0.1,
        most=1440.0,
    )
    keep_last: int = option(
        0,
        "How many of the newest saves are kept; the one with the lowest validation loss stays as well. 0: all.",
        least=0,
        most=10000,
    )
    dtype: str = option("fp16", "Number format of the file.", choices=("fp16", "bf16", "fp32"))
    comment: str = option("", "A remark that is stored in the file.")
    tensorboard: bool = option(True, "Write curves that TensorBoard shows.")
    log_folder: str = option(
        "", "Folder of the TensorBoard curves; empty: in the run's folder.", also=("log_dir", "logging_dir"), place=True
    )
    wandb: bool = option(
        False,
        "Send curves to Weights & Biases as well, when its package is installed and signed in: numbers and choices, "
        "but nothing that you wrote or drew except this LoRA's name.",
    )
    wandb_project: str = option("train-lora", "Project there.")
    wandb_samples: bool = option(False, "Send samples with their prompts there, too.")
