"""A network with patches; clones share the network, and so its weights."""

import torch

from backend.patcher.lora import LoraLoader


class ModelPatcher:
    def __init__(self, model, load_device=None, offload_device=None):
        from modules import devices

        self.model, self.lora_patches = model, {}
        self.load_device, self.offload_device = load_device or devices.device, offload_device or devices.cpu
        if not hasattr(model, "lora_loader"):
            model.lora_loader = LoraLoader(model)
        self.lora_loader = model.lora_loader

    def clone(self):
        clone = ModelPatcher(self.model)
        clone.lora_patches = dict(self.lora_patches)
        return clone

    def is_clone(self, other):
        return self.model is other.model

    def add_patches(self, filename, patches, strength):
        self.lora_patches[(filename, strength)] = {key: (strength, patch) for key, patch in patches.items()}

    def refresh_loras(self):
        self.lora_loader.refresh(self.lora_patches)


class CLIP:
    def __init__(self, **texts):
        self.cond_stage_model = torch.nn.Module()
        for name, text in texts.items():
            self.cond_stage_model.add_module(name, text)
        self.patcher = ModelPatcher(self.cond_stage_model)

    def clone(self):
        clone = object.__new__(CLIP)
        clone.cond_stage_model, clone.patcher = self.cond_stage_model, self.patcher.clone()
        return clone


class VAE:
    def __init__(self, model):
        self.first_stage_model, self.patcher = model, ModelPatcher(model)
