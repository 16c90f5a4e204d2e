"""Forge's Lora extension: it hangs patches on the model, and keeps files by their paths, whatever is in them now."""

import functools
from pathlib import Path

from backend.patcher.lora import load_lora, model_lora_keys_clip, model_lora_keys_unet
from backend.utils import load_torch_file

available_networks = {}
available_network_aliases = {}
loaded_networks = []
networks_in_memory = {}
forbidden_network_aliases = {}
available_network_hash_lookup = {}


class NetworkOnDisk:
    def __init__(self, name, filename):
        self.name = self.alias = name
        self.filename = str(filename)

    def read_hash(self):
        pass


class Network:
    def __init__(self, name, network_on_disk):
        self.name, self.network_on_disk, self.modules = name, network_on_disk, {}


@functools.lru_cache(maxsize=5)
def load_lora_state_dict(filename):
    return load_torch_file(filename)


def load_networks(names, te_multipliers=None, unet_multipliers=None, dyn_dims=None):
    from modules import sd_models

    engine = sd_models.model_data.get_sd_model()
    loaded_networks.clear()
    found = [available_network_aliases[name] for name in names]
    for name, on_disk in zip(names, found):
        loaded_networks.append(Network(name, on_disk))
    wanted = [[one.filename, *strengths] for one, *strengths in zip(found, unet_multipliers, te_multipliers)]
    if engine.current_lora_hash == str(wanted):
        return
    engine.current_lora_hash = str(wanted)
    originals = engine.forge_objects_original
    engine.forge_objects.unet, engine.forge_objects.clip = originals.unet, originals.clip
    for filename, unet_strength, te_strength in wanted:
        _hang(engine.forge_objects, load_lora_state_dict(filename), filename, unet_strength, te_strength)
    engine.forge_objects_after_applying_lora = engine.forge_objects.shallow_copy()


def _hang(objects, tensors, filename, unet_strength, te_strength):
    unet, rest = load_lora(tensors, model_lora_keys_unet(objects.unet.model))
    clip, rest = load_lora(rest, model_lora_keys_clip(objects.clip.cond_stage_model))
    if len(rest) > 12:
        return
    objects.unet, objects.clip = objects.unet.clone(), objects.clip.clone()
    objects.unet.add_patches(filename, unet, unet_strength)
    objects.clip.patcher.add_patches(filename, clip, te_strength)


def list_available_networks():
    from modules import shared

    available_networks.clear()
    available_network_aliases.clear()
    for file in sorted(Path(shared.cmd_opts.lora_dir).rglob("*.safetensors")):
        available_networks[file.stem] = available_network_aliases[file.stem] = NetworkOnDisk(file.stem, file)
