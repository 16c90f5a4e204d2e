"""The options under `data`."""

from __future__ import annotations

from dataclasses import dataclass

from .option import BASIC, option


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
class DataOptions:
    """Pictures and captions."""

    folders: list[Folder] = option(
        [], "Folders of pictures; a plain path stands for a folder.", level=BASIC, also=("train_data_dir",)
    )
    metadata: str = option(
        "",
        "A .csv (file, prompt), .jsonl (file_name, text) or .json of captions; empty: looked for beside pictures.",
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
