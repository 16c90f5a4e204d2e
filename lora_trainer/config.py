"""TrainConfig: every option of a training, once.

An option's default, help, range, choices and level stand here and nowhere else; YAML, the command line, page controls,
documentation and validation are read from this tree by `options`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

BASIC, ADVANCED = "basic", "advanced"
EPSILON, V_PREDICTION = "epsilon", "v_prediction"
"""What a base may predict: the noise, or the velocity."""
CHECKPOINTING = ("off", "largest", "all")
"""Which activations are computed twice, from none to all of them."""


def option(
    default: Any,
    help: str,
    *,
    level: str = ADVANCED,
    least: float | None = None,
    most: float | None = None,
    choices: tuple[Any, ...] = (),
    also: tuple[str, ...] = (),
    place: bool = False,
) -> Any:
    """One option. `least` and `most` are inclusive bounds; `also` are its flat keys in a lora-scripts YAML file.

    `place`: its value names a file or folder of the machine.
    """
    metadata = {
        "help": help,
        "level": level,
        "least": least,
        "most": most,
        "choices": choices,
        "also": also,
        "place": place,
    }
    if isinstance(default, (list, dict)):
        return field(default_factory=lambda: type(default)(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass
class Folder:
    """A folder of pictures."""

    path: str = option("", "The folder; its subfolders are searched as well.", level=BASIC, place=True)
    repeats: int = option(
        0,
        "How often each picture is seen in an epoch. 0: read from a name like '10_cat', else once.",
        least=0,
        most=10000,
    )
    weight: float = option(1.0, "Factor on the loss of this folder's pictures.", least=0.0, most=100.0)
    trigger_word: str = option("", "Trigger word of this folder; empty: the one of the run.")
    regularization: bool = option(False, "Pictures of the class in general, which keep the base from drifting.")


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


@dataclass
class DataOptions:
    """Pictures and captions."""

    folders: list[Folder] = option(
        [], "Folders of pictures; a plain path stands for a folder.", level=BASIC, also=("train_data_dir",)
    )
    metadata: str = option(
        "",
        "A .csv (file, prompt) or .jsonl (file_name, text) with captions; empty: looked for beside the pictures.",
        also=("metadata_path",),
        place=True,
    )
    caption_extensions: list[str] = option(
        [".txt", ".caption"], "Endings of caption files, in the order they are tried."
    )
    caption_fallback: str = option(
        "trigger",
        "Caption of a picture without one: the trigger word (else the words of a folder like '10_red cat'), "
        "the words of its file name, or nothing.",
        choices=("trigger", "file_name", "empty"),
    )
    trigger_word: str = option(
        "", "Word that calls up what is learned; put in front of every caption that lacks it.", level=BASIC
    )
    resolution: int = option(
        0,
        "Side of the square whose area every picture is scaled to; 0: the base's own.",
        level=BASIC,
        least=0,
        most=4096,
        also=("resolution",),
    )
    batch_size: int = option(
        1, "Pictures in a micro-batch.", level=BASIC, least=1, most=256, also=("batch_size", "train_batch_size")
    )
    buckets: bool = option(True, "Keep the pictures' shapes, in buckets of near shapes; off: crop all to a square.")
    bucket_step: int = option(64, "Bucket sides are multiples of this.", least=8, most=256)
    bucket_least: int = option(256, "Shortest bucket side.", least=64, most=4096)
    bucket_most: int = option(2048, "Longest bucket side.", least=64, most=8192)
    upscale: bool = option(
        True, "Scale pictures up that are smaller than the resolution; off: use them at their own size."
    )
    crop: str = option("center", "Where a picture that does not fit its bucket is cut.", choices=("center", "random"))
    crop_variants: int = option(4, "How many different random crops of a picture are used.", least=1, most=64)
    flip: bool = option(False, "Mirror half of the pictures; not for asymmetric things.")
    shuffle_tags: bool = option(False, "Shuffle the tags of a caption each time.")
    keep_tags: int = option(1, "Leading tags that shuffling and tag dropout leave in place.", least=0, most=100)
    caption_dropout: float = option(0.0, "Share of captions replaced by nothing.", least=0.0, most=1.0)
    tag_dropout: float = option(0.0, "Share of tags left out each time.", least=0.0, most=1.0)
    validation_share: float = option(
        0.0, "Share of the pictures held back to measure validation loss.", least=0.0, most=0.5
    )
    masks: bool = option(
        False,
        "Weigh the loss by masks: NAME-mask.png beside a picture, white where it counts; else its transparency.",
    )
    prior_weight: float = option(1.0, "Factor on the loss of regularization pictures.", least=0.0, most=10.0)
    cache: str = option("ram", "Where encoded pictures and captions are kept.", choices=("ram", "disk"))
    cache_folder: str = option("", "Folder of the disk cache; empty: in the run's folder.", place=True)
    cache_dtype: str = option("fp32", "Number format of the disk cache.", choices=("fp32", "fp16"))


@dataclass
class NetworkOptions:
    """What is trained."""

    type: str = option(
        "lora",
        "Kind of network. lora: a low-rank change of each weight. dora: one of its direction, and a length for each of "
        "its inputs; learns more at the same rank, a little slower. lokr: a Kronecker product, for small files. "
        "loha: two low-rank changes multiplied number by number, of a high rank; slower.",
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


@dataclass
class OptimizerOptions:
    """How the weights move."""

    name: str = option(
        "adamw", "Optimizer: a known name or the import path of a class.", level=BASIC, also=("optimizer_type",)
    )
    learning_rate: float = option(
        1e-4, "Learning rate of the U-Net.", level=BASIC, least=0.0, most=10.0, also=("learning_rate",)
    )
    text_encoder_rate: float = option(5e-5, "Learning rate of the text encoder(s).", level=BASIC, least=0.0, most=10.0)
    text_encoder_2_rate: float = option(
        0.0, "Learning rate of SDXL's second text encoder; 0: as the first.", least=0.0, most=10.0
    )
    loraplus_ratio: float = option(
        1.0,
        "Factor on the rate of the matrices that begin at zero (LoRA+); 16 is usual there, with a lower learning rate. "
        "1: all alike.",
        least=0.01,
        most=1000.0,
        also=("loraplus_lr_ratio",),
    )
    weight_decay: float = option(0.01, "Pull of the weights towards zero.", least=0.0, most=10.0)
    arguments: dict[str, Any] = option({}, "Further arguments of the optimizer, e.g. {betas: [0.9, 0.99]}.")
    schedule: str = option("cosine", "Course of the learning rate.", level=BASIC, also=("lr_scheduler",))
    warmup: float = option(
        0.05, "Steps in which the rate rises from 0; below 1: a share of all steps.", least=0.0, most=100000.0
    )
    cycles: int = option(3, "Number of cycles of 'cosine_with_restarts'.", least=1, most=1000)
    power: float = option(1.0, "Exponent of 'polynomial'.", least=0.01, most=10.0)
    least_rate: float = option(0.0, "Rate at the end as a share of the learning rate.", least=0.0, most=1.0)
    clip_norm: float = option(
        1.0, "Longest gradient; longer ones are scaled down. 0: no limit.", least=0.0, most=1000.0
    )
    accumulation: int = option(1, "Micro-batches in a step.", least=1, most=1024, also=("gradient_accumulation_steps",))


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


@dataclass
class MemoryOptions:
    """Precision and memory."""

    device: str = option("auto", "Where to compute: auto, cpu, cuda, cuda:1, mps, xpu ...")
    precision: str = option(
        "auto", "Arithmetic of the base; adapters are always fp32.", choices=("auto", "fp32", "bf16", "fp16")
    )
    checkpointing: str = option(
        "off",
        "Recompute activations instead of keeping them: in all blocks, or only in those that keep most.",
        choices=CHECKPOINTING,
    )
    packing: bool = option(
        True,
        "On a CPU in bf16: keep the base's weights packed for the processor, forward and backward, which takes twice "
        "their memory and makes steps about half as long.",
    )


@dataclass
class SampleOptions:
    """Pictures drawn on the way."""

    prompts: list[str] = option([], "Prompts; empty: the first captions.", level=BASIC)
    negative_prompt: str = option("", "What the pictures should not show.")
    every: int = option(0, "Steps between samples; 0: with every save.", least=0, most=1000000)
    seed: int = option(1, "Seed of the samples.", least=0, most=2**32 - 1)
    width: int = option(0, "Width in pixels; 0: the resolution.", least=0, most=4096)
    height: int = option(0, "Height in pixels; 0: the resolution.", least=0, most=4096)
    steps: int = option(20, "Sampling steps.", least=1, most=200)
    guidance: float = option(7.0, "Guidance scale (CFG).", least=1.0, most=50.0)
    sampler: str = option("euler", "Sampler.")


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


@dataclass
class TrainConfig:
    """A whole training."""

    base: BaseOptions = field(default_factory=BaseOptions)
    data: DataOptions = field(default_factory=DataOptions)
    network: NetworkOptions = field(default_factory=NetworkOptions)
    optimizer: OptimizerOptions = field(default_factory=OptimizerOptions)
    loss: LossOptions = field(default_factory=LossOptions)
    memory: MemoryOptions = field(default_factory=MemoryOptions)
    samples: SampleOptions = field(default_factory=SampleOptions)
    save: SaveOptions = field(default_factory=SaveOptions)
    steps: int = option(
        0,
        "Steps of the whole training; 0: as many as the epochs need.",
        level=BASIC,
        least=0,
        most=10000000,
        also=("max_train_steps",),
    )
    epochs: int = option(
        0,
        "How often all pictures (with repeats) are seen; 0: as often as suits their number.",
        level=BASIC,
        least=0,
        most=100000,
        also=("max_train_epochs",),
    )
    seed: int = option(42, "Seed of everything random in the training.", least=0, most=2**32 - 1)
    validation_every: int = option(0, "Steps between validations; 0: with every save.", least=0, most=1000000)
    stop_after_bad_steps: int = option(
        10, "Stop after so many steps in a row whose loss is no number.", least=1, most=10000
    )
