"""LoRAs: names of places, patches, and weights that are exchanged for patched ones until others are wanted."""

import torch

from backend.utils import set_attr_raw
from lora_trainer.families.sd1 import SD1
from lora_trainer.twin.lora_names import lora_name
from lora_trainer.twin.sources import shapes_of
from lora_trainer.twin.unet_keys import read_layout, unet_modules


def model_lora_keys_unet(model, key_map={}):  # noqa: B006 - Forge's, which keeps the names of every model so
    layout = read_layout(shapes_of(dict(model.diffusion_model.named_parameters())))
    for original, twin in unet_modules(layout).items():
        key_map[lora_name("lora_unet", twin)] = f"diffusion_model.{original}.weight"
    return key_map


def model_lora_keys_clip(model, key_map={}):  # noqa: B006
    for name, _ in model.clip_l.transformer.named_modules():
        key_map[lora_name(SD1.text_parts[0].lora_prefix, name)] = f"clip_l.transformer.{name}.weight"
    return key_map


def load_lora(lora, to_load):
    patches, used = {}, set()
    for name, place in to_load.items():
        keys = [f"{name}.lora_up.weight", f"{name}.lora_down.weight"]
        if all(key in lora for key in keys):
            alpha = lora.get(f"{name}.alpha")
            patches[place] = (
                "lora",
                (*(lora[key] for key in keys), None if alpha is None else alpha.item(), None, None),
            )
            used.update([*keys, f"{name}.alpha"])
    return patches, {key: value for key, value in lora.items() if key not in used}


@torch.inference_mode()
def merge_lora_to_weight(patches, weight, key="online_lora", computation_dtype=torch.float32):
    weight = weight.clone()
    for strength, (_, (up, down, alpha, _, _)), *_ in patches:
        change = up.to(weight.device).flatten(1).float() @ down.to(weight.device).flatten(1).float()
        weight += strength * (1.0 if alpha is None else alpha / down.shape[0]) * change.reshape(weight.shape)
    return weight


class LoraLoader:
    def __init__(self, model):
        self.model, self.backup, self.loaded_hash = model, {}, str([])

    @torch.inference_mode()
    def refresh(self, lora_patches, offload_device=None, force_refresh=False):
        wanted = str(list(lora_patches))
        if wanted == self.loaded_hash:
            return
        for key, weight in self.backup.items():
            set_attr_raw(self.model, key, weight)
        self.backup = {}
        for patches in lora_patches.values():
            for key, (strength, patch) in patches.items():
                weight = self.model.get_parameter(key)
                self.backup.setdefault(key, weight)
                merged = merge_lora_to_weight([(strength, patch, 1.0, None, None)], weight)
                set_attr_raw(self.model, key, torch.nn.Parameter(merged, requires_grad=False))
        self.loaded_hash = wanted
