"""Where and in which number formats the WebUI computes."""

import contextlib

import torch

cpu = torch.device("cpu")
device = device_interrogate = torch.device("cpu")
dtype = dtype_vae = dtype_unet = dtype_inference = torch.float32
fp8 = False
unet_needs_upcast = False


def autocast(disable=False):
    return contextlib.nullcontext()


def without_autocast(disable=False):
    return contextlib.nullcontext()


def torch_gc():
    pass


class NansException(Exception):
    pass
