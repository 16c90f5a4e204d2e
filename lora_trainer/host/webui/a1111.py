"""How AUTOMATIC1111's WebUI holds its model: whole, in place, with LoRAs written into the weights by its extension."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ...files.container import read_header
from ...seeds import untouched_random_state
from . import lora_extension
from .kind import UNET, VAE
from .placement import fetch

if TYPE_CHECKING:
    from torch import Tensor, nn


class A1111:
    """See `Kind`."""

    def loaded(self) -> Any:
        from modules import sd_models

        return sd_models.model_data.sd_model

    def load(self, selected: Any) -> Any:
        from modules import sd_models

        _forget_emptied(sd_models.model_data)
        model = sd_models.reload_model_weights() or sd_models.load_model(selected)
        if not self.is_in_place(model):  # 'unload checkpoint' takes no lock and leaves the model on the CPU
            sd_models.send_model_to_device(model)
        return model

    def is_in_place(self, model: Any) -> bool:
        from modules import devices

        parameter = next(model.model.diffusion_model.parameters())
        return not parameter.is_meta and (bool(model.lowvram) or parameter.device.type == devices.device.type)

    def bring(self, model: Any, part: str) -> None:
        """Text encoders are fetched by the host's own conditioning."""
        modules = {UNET: lambda: model.model, VAE: lambda: model.first_stage_model}
        if part in modules:
            fetch(modules[part]())

    def tensors_of(self, module: nn.Module) -> Mapping[str, Tensor]:
        """The objects themselves, which `state_dict` does not give: a twin follows when the host moves them."""
        return {**dict(module.named_parameters()), **dict(module.named_buffers())}

    def remove_loras(self) -> None:
        """The host does the same before its next picture without a LoRA; one with a LoRA bakes it again."""
        import torch

        lora = lora_extension.networks()
        with torch.no_grad():
            lora.load_networks([])
            for module in _held_modules():
                if getattr(module, "network_layer_name", None) and getattr(module, "network_current_names", ()) != ():
                    lora.network_apply_weights(module)

    def forget_loras(self, names: Sequence[str] | None = None) -> None:
        known = lora_extension.networks().networks_in_memory
        for name in list(known) if names is None else names:
            known.pop(name, None)

    def left_out(self, file: Path, network: Any = None) -> list[str]:
        if network is None:
            with untouched_random_state():  # the loader builds layers, whose first values are drawn
                network = lora_extension.networks().load_network(file.stem, SimpleNamespace(filename=str(file)))
        fitting = {module.network_key.partition(".")[0] for module in network.modules.values() if _fits(module)}
        return sorted(lora_extension.modules_of(read_header(file).tensors) - fitting)

    def vae_file(self) -> str:
        from modules import sd_vae

        return str(sd_vae.loaded_vae_file or "")

    def keeps_parts_away(self) -> bool:
        from modules import shared

        return bool(shared.cmd_opts.lowvram)


def _forget_emptied(held: Any) -> None:
    """Let the host load anew what was thrown away: it would take such a model from its list and find no values."""
    held.loaded_sd_models[:] = [model for model in held.loaded_sd_models if not _on_meta(model)]
    if held.sd_model is not None and _on_meta(held.sd_model):
        held.sd_model = None


def _on_meta(model: Any) -> bool:
    return any(parameter.is_meta for parameter in model.parameters())


def _held_modules() -> Iterator[nn.Module]:
    """Modules of the selected model and of those that the host keeps beside it."""
    from modules import sd_models

    held = [sd_models.model_data.sd_model, *sd_models.model_data.loaded_sd_models]
    for model in {id(model): model for model in held if model is not None}.values():
        yield from model.modules()


def _fits(module: Any) -> bool:
    """Whether a loaded module gives a change of its layer's shape; tried without numbers, on the 'meta' device."""
    import torch

    weight = torch.empty(module.shape, device="meta")
    try:
        change, _ = module.calc_updown(weight)
    except RuntimeError:
        return False
    return tuple(change.shape) == tuple(module.shape)
