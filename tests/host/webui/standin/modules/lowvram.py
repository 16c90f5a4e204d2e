"""--medvram and --lowvram: hooks fetch a module to the device when it is called, and send the one before it back."""

import torch

from modules import devices, shared

module_in_gpu = None
cpu = torch.device("cpu")


def is_needed(sd_model):
    options = shared.cmd_opts
    return options.lowvram or options.medvram or (options.medvram_sdxl and hasattr(sd_model, "conditioner"))


def is_enabled(sd_model):
    return sd_model.lowvram


def send_everything_to_cpu():
    global module_in_gpu
    if module_in_gpu is not None:
        module_in_gpu.to(cpu)
    module_in_gpu = None


def apply(sd_model):
    if is_needed(sd_model):
        setup_for_low_vram(sd_model, not shared.cmd_opts.lowvram)
    else:
        sd_model.lowvram = False


def setup_for_low_vram(sd_model, use_medvram):
    if getattr(sd_model, "lowvram", False):
        return
    sd_model.lowvram = True

    def send_me_to_gpu(module, _):
        global module_in_gpu
        if module_in_gpu is module:
            return
        if module_in_gpu is not None:
            module_in_gpu.to(cpu)
        module.to(devices.device)
        module_in_gpu = module

    for module in (sd_model.model, sd_model.first_stage_model, sd_model.text_module()):
        module.to(cpu)
        module.register_forward_pre_hook(send_me_to_gpu)
