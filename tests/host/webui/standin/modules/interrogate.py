"""'Interrogate CLIP': BLIP's sentence, and what CLIP adds to it."""

import numpy as np
import torch

from modules import devices, modelloader, paths, shared


class Blip(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(3))

    def generate(self, pixels):
        assert self.weight.device.type == devices.device_interrogate.type
        channel = int((pixels * self.weight).argmax())
        return f"a picture of something {('red', 'green', 'blue')[channel]}"


class InterrogateModels:
    blip_model = clip_model = dtype = None
    running_on_cpu = True

    def load_blip_model(self):
        modelloader.load_models(
            model_path=f"{paths.models_path}/BLIP",
            model_url="BLIP",
            ext_filter=[".pth"],
            download_name="model_base_caption_capfilt_large.pth",
        )
        return Blip().eval()

    def load(self):
        if self.blip_model is None:
            self.blip_model = self.load_blip_model()
        if self.clip_model is None:
            modelloader.fetched.append("CLIP")
            self.clip_model = torch.nn.Linear(1, 1)

    def send_blip_to_ram(self):
        if not shared.opts.interrogate_keep_models_in_memory and self.blip_model is not None:
            self.blip_model = self.blip_model.to(devices.cpu)

    def generate_caption(self, pil_image):
        pixels = torch.tensor(np.asarray(pil_image, dtype=float).mean(axis=(0, 1))).type(self.dtype)
        with torch.no_grad():
            return self.blip_model.generate(pixels)
