"""Pictures as Forge makes them: with the patched clones of the engine's networks."""

import re
from pathlib import Path

import torch
from backend import memory_management
from modules import sd_models, shared
from PIL import Image

TAG = re.compile(r"<lora:([^:>]+):([^>]+)>")


class StableDiffusionProcessing:
    cached_c, cached_uc = [None, None, None], [None, None, None]

    def __init__(self, prompt="", seed=1, steps=2, width=64, height=64, **others):
        self.prompt, self.seed, self.steps, self.width, self.height = prompt, seed, steps, width, height
        vars(self).update(others)


class StableDiffusionProcessingTxt2Img(StableDiffusionProcessing):
    cached_hr_c, cached_hr_uc = [None, None, None], [None, None, None]


class Processed:
    def __init__(self, images, seed, infotexts):
        self.images, self.seed, self.infotexts = images, seed, infotexts


def process_images(p):
    import networks

    if not sd_models.model_data.forge_loading_parameters:
        from modules_forge import main_entry

        main_entry.refresh_model_loading_parameters()
    engine, _ = sd_models.forge_model_reload()
    torch.manual_seed(p.seed)
    tags = TAG.findall(p.prompt)
    engine.forge_objects = engine.forge_objects_original.shallow_copy()
    if not shared.cmd_opts.no_prompt_history:
        (Path(shared.cmd_opts.data_dir) / "params.txt").write_text(p.prompt, encoding="utf-8")
    networks.load_networks([name for name, _ in tags], *[[float(strength) for _, strength in tags]] * 3)
    engine.forge_objects = engine.forge_objects_after_applying_lora.shallow_copy()
    with torch.inference_mode():
        x = _sample(engine, p, TAG.sub("", p.prompt))
    pixels = ((x[0, :3].tanh() + 1) * 127.5).byte().permute(1, 2, 0).numpy()
    shown = TAG.sub("", p.prompt) if getattr(p, "scripts", None) is None else p.prompt
    return Processed([Image.fromarray(pixels)], p.seed, [f"{shown}\nSteps: {p.steps}, Seed: {p.seed}"])


def _sample(engine, p, prompt):
    engine.set_clip_skip(int(shared.opts.CLIP_stop_at_last_layers))
    context = engine.get_learned_conditioning([prompt])
    memory_management.load_models_gpu([engine.forge_objects.unet])
    x = torch.randn(1, 4, p.height // 8, p.width // 8, generator=torch.Generator().manual_seed(p.seed))
    for step in range(p.steps):
        shared.state.sampling_step = step + 1
        if shared.state.interrupted:
            break
        x = x - 0.3 * engine.built.predict(x, torch.tensor([900 - 400 * step]), context)
    return x
