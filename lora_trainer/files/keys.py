"""Key names of LoRA files: kohya, diffusers, PEFT and old diffusers, read into kohya's names.

A key is a module's name and what the tensor is to it, e.g. 'unet.mid_block....to_q.lora_A.weight' is `down` of
'lora_unet_mid_block_..._to_q'.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

ROLES = (
    (re.compile(r"\.(?:lora\.|lora_|lora_linear_layer\.)down\.weight$"), "down"),
    (re.compile(r"\.(?:lora\.|lora_|lora_linear_layer\.)up\.weight$"), "up"),
    (re.compile(r"\.lora_mid\.weight$"), "mid"),
    (re.compile(r"\.lora_A(?:\.[^.]+)?\.weight$"), "down"),
    (re.compile(r"\.lora_B(?:\.[^.]+)?\.weight$"), "up"),
    (re.compile(r"(?<=to_[qkv])_lora\.down\.weight$|(?<=to_out)_lora\.down\.weight$"), "down"),
    (re.compile(r"(?<=to_[qkv])_lora\.up\.weight$|(?<=to_out)_lora\.up\.weight$"), "up"),
    (re.compile(r"\.alpha$"), "alpha"),
    (re.compile(r"\.lora_magnitude_vector(?:\.[^.]+)?(?:\.weight)?$"), "magnitude"),
    (re.compile(r"\.(?P<role>dora_scale|(?:hada|lokr|oft)_\w+|w_norm|b_norm|diff|diff_b|on_input)$"), ""),
    (re.compile(r"\.(?P<role>(?:a1|a2|b1|b2)\.weight)$"), ""),
)
EMBEDDING = re.compile(r"^bundle_emb\.(?P<name>.+)\.string_to_param\.")
PROCESSOR_OUT = re.compile(r"\.to_out$")
OLD_TEXT_NAMES = {"to_q": "q_proj", "to_k": "k_proj", "to_v": "v_proj", "to_out": "out_proj"}
BARE_UNET = ("down_blocks.", "mid_block.", "up_blocks.", "conv_in.", "conv_out.", "time_embedding.")


@dataclass(frozen=True)
class KeyParts:
    """A key taken apart: the module as the file names it, and the tensor's role in it."""

    module: str
    role: str


def take_apart(key: str) -> KeyParts | None:
    """The module and role of a key; None when it belongs to no known kind."""
    for pattern, role in ROLES:
        if found := pattern.search(key):
            return KeyParts(key[: found.start()], role or found["role"])
    return None


def style_of(keys: Iterable[str]) -> str:
    """How a file names its keys: 'kohya', 'processor', 'peft' or 'diffusers'."""
    keys = list(keys)
    if any(".processor." in key for key in keys):
        return "processor"
    if any(key.startswith(("base_model.", "model.base_model.")) for key in keys):
        return "peft"
    return "kohya" if not keys or any(key.startswith("lora_") for key in keys) else "diffusers"


def kohya_name(module: str, two_encoders: bool) -> str | None:
    """The kohya name of a module in any style; None when it is of no Stable Diffusion network.

    U-Net names keep the numbering of blocks that they come with; `unet_names.canonical` changes it.
    """
    if module.startswith("lora_"):
        return module
    path = re.sub(r"^(?:model\.)?base_model\.model\.", "", module)
    path = path.replace(".processor", "").replace(".base_layer", "")
    if path.startswith(("text_encoder_2.", "text_encoder.", "text_model.")):
        return _text_name(path, two_encoders)
    if path.startswith("unet.") or path.startswith(BARE_UNET):
        path = PROCESSOR_OUT.sub(".to_out.0", path.removeprefix("unet."))
        return "lora_unet_" + path.replace(".", "_")
    return None


def _text_name(path: str, two_encoders: bool) -> str:
    encoder, _, rest = path.partition(".")
    if encoder == "text_model":
        encoder, rest = "text_encoder", path
    prefix = {"text_encoder_2": "lora_te2_", "text_encoder": "lora_te1_" if two_encoders else "lora_te_"}[encoder]
    stem, _, leaf = rest.rpartition(".")
    leaf = OLD_TEXT_NAMES.get(leaf, leaf)
    text_model = "" if rest.startswith("text_model.") else "text_model_"
    return prefix + text_model + f"{stem}.{leaf}".replace(".", "_")
