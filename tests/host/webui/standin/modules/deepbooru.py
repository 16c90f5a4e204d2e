"""The tagger of picture boards."""

import torch

from modules import devices, modelloader, paths, shared


class DeepDanbooruModel(torch.nn.Module):
    tags = ("long_hair", "red_(colour)", ">_<", "blue", "rating:safe", "simple_background")

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, pixels):
        assert pixels.shape[1:] == (512, 512, 3) and 0 <= float(pixels.min()) <= float(pixels.max()) <= 1
        red, _, blue = pixels[0].mean(dim=(0, 1))
        scores = [0.7, red, 0.2, blue, 1.0, 0.6]
        return torch.stack([torch.as_tensor(score) for score in scores])[None] * self.weight


class DeepDanbooru:
    def __init__(self):
        self.model = None

    def load(self):
        if self.model is None:
            modelloader.load_models(
                model_path=f"{paths.models_path}/torch_deepdanbooru",
                model_url="deepbooru",
                ext_filter=[".pt"],
                download_name="model-resnet_custom_v3.pt",
            )
            self.model = DeepDanbooruModel().eval()

    def start(self):
        self.load()
        self.model.to(devices.device)

    def stop(self):
        if not shared.opts.interrogate_keep_models_in_memory:
            self.model.to(devices.cpu)
            devices.torch_gc()


model = DeepDanbooru()
