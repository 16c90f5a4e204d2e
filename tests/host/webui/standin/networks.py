"""The built-in Lora extension: it bakes LoRAs into the weights and leaves them there until the next picture."""

from pathlib import Path

import torch

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


class LoadedModule:
    """What a network adds to one layer."""

    def __init__(self, network_key, layer, change):
        self.network_key, self.shape, self.change = network_key, layer.weight.shape, change

    def calc_updown(self, weight):
        """Raises RuntimeError when it does not fit."""
        return self.change.reshape(self.shape).to(weight), None


class Network:
    def __init__(self, name, network_on_disk, modules):
        self.name, self.network_on_disk, self.modules = name, network_on_disk, modules
        self.mtime = Path(network_on_disk.filename).stat().st_mtime
        self.te_multiplier = self.unet_multiplier = 1.0
        self.dyn_dim = None


def assign_network_names_to_compvis_modules(sd_model):
    sd_model.network_layer_mapping = {}
    for name, module in sd_model.network_modules():
        module.network_layer_name = name
        sd_model.network_layer_mapping[name] = module


def load_network(name, network_on_disk):
    """Names and shapes are looked at crudely: down and up of a module, made one change of its weight."""
    from modules import shared
    from safetensors.torch import load_file

    tensors = load_file(network_on_disk.filename)
    if not hasattr(shared.sd_model, "network_layer_mapping"):
        assign_network_names_to_compvis_modules(shared.sd_model)
    mapping, modules = shared.sd_model.network_names(), {}
    for key, up in tensors.items():
        lora_name, _, part = key.partition(".")
        if part == "lora_up.weight" and lora_name in mapping:
            down, rank = tensors[f"{lora_name}.lora_down.weight"].float(), up.shape[1]
            scale = float(tensors.get(f"{lora_name}.alpha", rank)) / rank
            torch.nn.Linear(1, rank)  # draws its first values, as the WebUI's loader does
            layer = shared.sd_model.network_layer_mapping[mapping[lora_name]]
            modules[mapping[lora_name]] = LoadedModule(key, layer, scale * (up.float().flatten(1) @ down.flatten(1)))
    return Network(name, network_on_disk, modules)


def load_networks(names, te_multipliers=None, unet_multipliers=None, dyn_dims=None):
    loaded_networks.clear()
    for number, name in enumerate(names):
        on_disk = available_network_aliases.get(name)
        if on_disk is None:
            continue
        net = networks_in_memory.get(name)
        if net is None or Path(on_disk.filename).stat().st_mtime > net.mtime:
            net = networks_in_memory[name] = load_network(name, on_disk)
        net.te_multiplier = te_multipliers[number] if te_multipliers else 1.0
        net.unet_multiplier = unet_multipliers[number] if unet_multipliers else 1.0
        loaded_networks.append(net)


def network_apply_weights(self):
    name = getattr(self, "network_layer_name", None)
    if name is None or getattr(self, "weight", None) is None:
        return
    current = getattr(self, "network_current_names", ())
    wanted = tuple((net.name, net.te_multiplier, net.unet_multiplier, net.dyn_dim) for net in loaded_networks)
    if getattr(self, "network_weights_backup", None) is None and wanted:
        self.network_weights_backup = self.weight.to("cpu", copy=True)
    if current != wanted:
        if self.network_weights_backup is not None:
            self.weight.copy_(self.network_weights_backup)
        for net in loaded_networks:
            if name in net.modules:
                change, _ = net.modules[name].calc_updown(self.weight)
                self.weight.copy_(self.weight + net.unet_multiplier * change)
        self.network_current_names = wanted


def list_available_networks():
    from modules import shared

    available_networks.clear()
    available_network_aliases.clear()
    for file in sorted(Path(shared.cmd_opts.lora_dir).rglob("*.safetensors")):
        available_networks[file.stem] = available_network_aliases[file.stem] = NetworkOnDisk(file.stem, file)


@torch.no_grad()
def bake(sd_model):
    """Every module as a picture would leave it."""
    for module in sd_model.modules():
        network_apply_weights(module)
