"""Files and attributes by their names."""

from safetensors.torch import load_file


def load_torch_file(path, safe_load=False, device=None):
    return load_file(path)


def set_attr_raw(module, name, value):
    *path, leaf = name.split(".")
    for part in path:
        module = getattr(module, part)
    setattr(module, leaf, value)
