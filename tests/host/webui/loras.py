"""LoRA files for the stand-in's tiny models."""

from __future__ import annotations

from pathlib import Path

import torch

from lora_trainer.files.lora import LoraModule
from lora_trainer.files.write import write_lora

VERSIONS = {"sd1": {"ss_base_model_version": "sd_v1"}, "sdxl": {"ss_base_model_version": "sdxl_base_v1-0"}}


def write(webui, path: Path, *, seed: int = 0, count: int = 6, more: dict[str, LoraModule] | None = None) -> Path:
    """A LoRA of random weights on some of the model's cross attention."""
    model = webui.shared.sd_model
    webui.networks.assign_network_names_to_compvis_modules(model)
    generator = torch.Generator().manual_seed(seed)
    names = [name for name in model.network_names() if name.endswith("_to_v")][:count]
    modules = {}
    for name in names:
        out, inputs = model.network_layer_mapping[model.network_names()[name]].weight.shape
        down, up = torch.randn(2, inputs, generator=generator), torch.randn(out, 2, generator=generator)
        modules[name] = LoraModule(down, up, 2.0)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_lora(path, modules | (more or {}), VERSIONS[model.family.name], "fp32")
    return path


def draw(webui, prompt: str = "a cat", seed: int = 1) -> bytes:
    """The bytes of a picture of the user's own."""
    with webui.call_queue.queue_lock:
        work = webui.processing.StableDiffusionProcessingTxt2Img(prompt=prompt, seed=seed)
        return webui.processing.process_images(work).images[0].tobytes()
