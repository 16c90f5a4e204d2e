"""Pictures: crude ones, but of every weight of the model, so that a changed weight is a changed picture."""

import re
from pathlib import Path

import torch
from PIL import Image

from modules import sd_hijack, sd_models, shared

TAG = re.compile(r"<lora:([^:>]+):([^>]+)>")


class StableDiffusionProcessing:
    def __init__(self, prompt="", seed=1, steps=2, width=64, height=64, **others):
        self.prompt, self.seed, self.steps, self.width, self.height = prompt, seed, steps, width, height
        self.override_settings = others.pop("override_settings", {})
        vars(self).update(others)

    def close(self):
        pass


class StableDiffusionProcessingTxt2Img(StableDiffusionProcessing):
    pass


for cache in ("cached_c", "cached_uc"):
    setattr(StableDiffusionProcessing, cache, [None, None])
for cache in ("cached_hr_c", "cached_hr_uc"):
    setattr(StableDiffusionProcessingTxt2Img, cache, [None, None])


class Processed:
    def __init__(self, images, seed, infotexts):
        self.images, self.seed, self.infotexts = images, seed, infotexts


def process_images(p):
    sd_models.reload_model_weights()
    return process_images_inner(p)


def process_images_inner(p):
    import networks

    torch.manual_seed(p.seed)
    sd_hijack.model_hijack.clear_comments()
    tags = TAG.findall(p.prompt)
    networks.load_networks([name for name, _ in tags], [float(s) for _, s in tags], [float(s) for _, s in tags])
    if not shared.cmd_opts.no_prompt_history:
        (Path(shared.cmd_opts.data_dir) / "params.txt").write_text(p.prompt, encoding="utf-8")
    model = shared.sd_model
    with torch.no_grad():
        for module in model.modules():
            networks.network_apply_weights(module)
        context, vector = model.conditioning_for_picture(TAG.sub("", p.prompt))
        x = torch.randn(1, 4, p.height // 8, p.width // 8, generator=torch.Generator().manual_seed(p.seed))
        for step in range(p.steps):
            shared.state.sampling_step = step + 1
            if shared.state.interrupted:
                break
            x = x - 0.3 * model.predict(x, torch.tensor([900 - 400 * step]), context, vector)
    pixels = ((x[0, :3].tanh() + 1) * 127.5).byte().permute(1, 2, 0).numpy()
    shown = TAG.sub("", p.prompt) if getattr(p, "scripts", None) is None else p.prompt
    return Processed([Image.fromarray(pixels)], p.seed, [f"{shown}\nSteps: {p.steps}, Seed: {p.seed}"])
