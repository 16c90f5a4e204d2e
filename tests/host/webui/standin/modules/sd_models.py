"""Checkpoints by name, and the one that is loaded."""

import torch
from standin_checkpoints import CheckpointInfo, checkpoint_aliases, checkpoints_list  # noqa: F401
from standin_model import StandInModel, read_tensors

from modules import devices, lowvram, shared


class SdModelData:
    def __init__(self):
        self.sd_model = None
        self.loaded_sd_models = []
        self.was_loaded_at_least_once = False

    def get_sd_model(self):
        if self.sd_model is None and not self.was_loaded_at_least_once:
            load_model()
        return self.sd_model

    def set_sd_model(self, model):
        self.sd_model = model
        self.loaded_sd_models = [model] if model is not None else []


model_data = SdModelData()


def get_closet_checkpoint_match(text):
    return checkpoint_aliases.get(text)


def select_checkpoint():
    found = checkpoint_aliases.get(shared.opts.sd_model_checkpoint)
    if found is None and not checkpoints_list:
        raise FileNotFoundError("No checkpoints found.")
    return found or next(iter(checkpoints_list.values()))


def load_model(checkpoint_info=None):
    checkpoint_info = checkpoint_info or select_checkpoint()
    if model_data.sd_model is not None:
        send_model_to_trash(model_data.sd_model)
        model_data.sd_model = None
    model = StandInModel(read_tensors(checkpoint_info.filename))
    _tell(model, checkpoint_info)
    send_model_to_device(model)
    model.eval()
    model_data.set_sd_model(model)
    model_data.was_loaded_at_least_once = True
    networks = __import__("networks")
    networks.assign_network_names_to_compvis_modules(model)
    return model


def _tell(model, checkpoint_info):
    checkpoint_info.calculate_shorthash()
    model.sd_checkpoint_info, model.sd_model_checkpoint = checkpoint_info, checkpoint_info.filename
    model.sd_model_hash = checkpoint_info.shorthash
    shared.opts.data["sd_model_checkpoint"] = checkpoint_info.title


def reload_model_weights(sd_model=None, info=None, forced_reload=False):
    """Bring in the selected checkpoint: nothing when it is there, into the same modules when they fit, else anew."""
    checkpoint_info = info or select_checkpoint()
    model = sd_model or model_data.sd_model
    if model is not None and model.sd_model_checkpoint == checkpoint_info.filename and not forced_reload:
        return model
    held = [one for one in model_data.loaded_sd_models if one.sd_model_checkpoint == checkpoint_info.filename]
    if model is None and held:
        send_model_to_device(held[0])
        held[0].model.diffusion_model.get_parameter("out.2.bias").cpu()  # fails where the model was thrown away
        model_data.set_sd_model(held[0])
        return held[0]
    tensors = read_tensors(checkpoint_info.filename)
    if model is None or not model.fits(tensors):
        return load_model(checkpoint_info)
    with torch.no_grad():
        model.fill(tensors)
    _tell(model, checkpoint_info)
    model_data.set_sd_model(model)
    return model


def send_model_to_cpu(model):
    if model.lowvram:
        lowvram.send_everything_to_cpu()
    else:
        model.to(devices.cpu)


def send_model_to_device(model):
    lowvram.apply(model)
    if not model.lowvram:
        model.to(devices.device)


def send_model_to_trash(model):
    model.to(device="meta")


def unload_model_weights(sd_model=None, info=None):
    send_model_to_cpu(sd_model or model_data.sd_model)
    return sd_model
