"""Checkpoints by name, and the engine of the one that is loaded; nothing is before the first picture."""

from types import SimpleNamespace

import torch
from backend import memory_management
from backend.patcher.base import CLIP, VAE, ModelPatcher
from modules import shared
from standin_checkpoints import CheckpointInfo, checkpoint_aliases, checkpoints_list  # noqa: F401
from standin_model import Node, StandInModel, read_tensors


class ForgeObjects:
    def __init__(self, unet, clip, vae):
        self.unet, self.clip, self.vae = unet, clip, vae

    def shallow_copy(self):
        return ForgeObjects(self.unet, self.clip, self.vae)


class KModel(torch.nn.Module):
    def __init__(self, network, prediction_type):
        super().__init__()
        self.diffusion_model, self.storage_dtype = network, torch.float32
        self.predictor = Node()
        self.predictor.prediction_type = prediction_type


class Engine:
    """An engine for an SD1 base; other flags are for tests to set."""

    def __init__(self, filename):
        read = read_tensors(filename)
        self.built = StandInModel(read)
        self.is_sd1, self.is_sd2, self.is_sdxl = self.built.is_sd1, self.built.is_sd2, self.built.is_sdxl
        self.is_sd3 = self.is_inpaint = False
        self.model_config, self.clip_skip = SimpleNamespace(ztsnr=False), 1
        text = self.built.cond_stage_model.wrapped
        _wrap_embedding(text.transformer.text_model.embeddings)
        self.built.first_stage_model.scaling_factor = read[1].latent_scale
        self.forge_objects_original = ForgeObjects(
            ModelPatcher(KModel(self.built.model.diffusion_model, read[1].prediction_type)),
            CLIP(clip_l=text),
            VAE(self.built.first_stage_model),
        )
        self.forge_objects = self.forge_objects_original.shallow_copy()
        self.forge_objects_after_applying_lora = self.forge_objects_original.shallow_copy()
        self.current_lora_hash = str([])

    def set_clip_skip(self, clip_skip):
        self.clip_skip = clip_skip

    @torch.inference_mode()
    def get_learned_conditioning(self, texts):
        memory_management.load_model_gpu(self.forge_objects.clip.patcher)
        settings = dict(shared.opts.data)
        shared.opts.CLIP_stop_at_last_layers = self.clip_skip
        try:
            return self.built.get_learned_conditioning(texts)
        finally:
            shared.opts.data.clear()
            shared.opts.data.update(settings)


def _wrap_embedding(embeddings):
    """Textual inversion's wrapper has the weight twice."""
    inner = embeddings.token_embedding
    embeddings.token_embedding = Node(wrapped=inner)
    embeddings.token_embedding.weight = inner.weight


class FakeInitialModel:
    cond_stage_model = None


class SdModelData:
    def __init__(self):
        self.sd_model = FakeInitialModel()
        self.forge_loading_parameters, self.forge_hash = {}, ""

    def get_sd_model(self):
        return self.sd_model

    def set_sd_model(self, engine):
        self.sd_model = engine


model_data = SdModelData()


def select_checkpoint():
    found = checkpoint_aliases.get(shared.opts.sd_model_checkpoint)
    return found or next(iter(checkpoints_list.values()), None)


@torch.inference_mode()
def forge_model_reload():
    wanted = str(model_data.forge_loading_parameters)
    if model_data.forge_hash == wanted:
        return model_data.sd_model, False
    model_data.sd_model = None
    memory_management.unload_all_models()
    checkpoint = model_data.forge_loading_parameters["checkpoint_info"]
    engine = Engine(checkpoint.filename)
    engine.sd_checkpoint_info, engine.filename = checkpoint, checkpoint.filename
    engine.sd_model_hash = checkpoint.calculate_shorthash()
    model_data.set_sd_model(engine)
    model_data.forge_hash = wanted
    return engine, True


def load_model(checkpoint_info=None):
    pass


def reload_model_weights(sd_model=None, info=None, forced_reload=False):
    pass
