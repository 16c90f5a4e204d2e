"""How Forge holds its model: an engine whose networks it moves and patches, seen with the WebUI's attributes.

Forge keeps the networks in objects that patch them (`forge_objects`), loads nothing before the first picture, makes all
weights in inference mode, and keeps what it read from LoRA files by their paths alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ...errors import BaseModelError
from ...files.container import read_header
from ...sentences import Sentence
from . import lora_extension
from .kind import TEXT, UNET, VAE

if TYPE_CHECKING:
    from torch import Tensor, nn

PREDICTIONS = {"epsilon": "eps", "v_prediction": "v"}
"""Forge's words for what a U-Net predicts, and the WebUI's; there are others, which are not trained."""
PRUNED = ("SSD1B", "Segmind_Vega", "KOALA_700M", "KOALA_1B")
"""Kinds of base that Forge counts as SDXL."""
TEXTS = ("clip_l", "clip_h", "clip_g")
"""Text encoders, in the order of the families' parts."""
VAE_KEYS = ("decoder.conv_in.weight", "first_stage_model.decoder.conv_in.weight")
WEIGHT = "token_embedding.weight"
WRAPPED = "token_embedding.wrapped.weight"


class ForgeModel:
    """One of Forge's engines with the attributes by which the trainer knows the WebUI's models.

    Two of the same engine are equal. What they give are the networks themselves, without what a picture hung on them.
    """

    lowvram = False
    cond_stage_key = "txt"

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.sd_checkpoint_info = engine.sd_checkpoint_info
        self.sd_model_checkpoint = str(engine.filename)
        known = self._prediction in PREDICTIONS
        self.is_sd1, self.is_sd2, self.is_sdxl = (
            known and bool(getattr(engine, name)) for name in ("is_sd1", "is_sd2", "is_sdxl")
        )
        self.is_sd3 = bool(engine.is_sd3)
        self.is_ssd = type(engine.model_config).__name__ in PRUNED
        self.is_sdxl_inpaint = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ForgeModel) and other.engine is self.engine

    def __hash__(self) -> int:
        return id(self.engine)

    @property
    def objects(self) -> Any:
        """Forge's patchers of the networks, without patches."""
        return self.engine.forge_objects_original

    @property
    def model(self) -> Any:
        """The U-Net with what predicts by it."""
        return self.objects.unet.model

    @property
    def first_stage_model(self) -> nn.Module:
        network: nn.Module = self.objects.vae.first_stage_model
        return network

    @property
    def conditioner(self) -> Any:
        """Text encoders as SDXL has them; a refiner's only one is no Hugging Face CLIP in the WebUI, and so here."""
        texts = [getattr(self.objects.clip.cond_stage_model, name, None) for name in TEXTS]
        if texts[0] is None and self.is_sdxl:
            return SimpleNamespace(embedders=[SimpleNamespace(model=texts[-1])])
        return SimpleNamespace(embedders=[text for text in texts if text is not None])

    @property
    def cond_stage_model(self) -> Any:
        return self.conditioner.embedders[0]

    @property
    def parameterization(self) -> str:
        return PREDICTIONS[self._prediction]

    @property
    def zero_terminal_snr(self) -> bool:
        """Whether the checkpoint says so; the setting says it for every checkpoint."""
        return bool(getattr(self.engine.model_config, "ztsnr", False))

    @property
    def scale_factor(self) -> float:
        return float(self.objects.vae.first_stage_model.scaling_factor)

    @property
    def packed(self) -> str:
        """The format of a U-Net whose numbers are packed, as in 'nf4'; empty for plain ones."""
        stored = self.objects.unet.model.storage_dtype
        return stored if isinstance(stored, str) else ""

    @property
    def networks(self) -> tuple[nn.Module, ...]:
        objects = self.objects
        return objects.unet.model, objects.clip.cond_stage_model, objects.vae.first_stage_model

    def modules(self) -> Iterator[nn.Module]:
        for network in self.networks:
            yield from network.modules()

    def parameters(self) -> Iterator[nn.Parameter]:
        for network in self.networks:
            yield from network.parameters()

    def buffers(self) -> Iterator[Tensor]:
        for network in self.networks:
            yield from network.buffers()

    def requires_grad_(self, wanted: bool) -> None:
        """What was made in inference mode takes part in no gradients; twins have other tensors over the same memory."""

    def get_learned_conditioning(self, texts: Sequence[str]) -> Any:
        """As the engine's, by the settings of now, and so that a training may use it."""
        from modules import shared

        self.engine.set_clip_skip(int(shared.opts.CLIP_stop_at_last_layers))
        made = self.engine.get_learned_conditioning(list(texts))
        return {key: made[key].clone() for key in made} if isinstance(made, dict) else made.clone()

    @property
    def _prediction(self) -> str:
        return str(self.objects.unet.model.predictor.prediction_type)


class Forge:
    """See `Kind`."""

    def loaded(self) -> ForgeModel | None:
        from modules import sd_models

        engine = sd_models.model_data.sd_model  # before the first picture something that has no networks
        return ForgeModel(engine) if getattr(engine, "forge_objects_original", None) is not None else None

    def load(self, selected: Any) -> ForgeModel:
        from modules import sd_models

        if sd_models.model_data.forge_loading_parameters.get("checkpoint_info") is not selected:
            from modules_forge import main_entry

            main_entry.refresh_model_loading_parameters()
        if sd_models.model_data.sd_model is None:
            sd_models.model_data.forge_hash = ""  # else Forge takes it for loaded, after another one failed to load
        model = ForgeModel(sd_models.forge_model_reload()[0])
        self.bring(model, UNET)
        if not self.is_in_place(model):
            raise BaseModelError(
                Sentence(
                    "unet_in_parts",
                    "Forge keeps a part of the U-Net off the device, because the memory does not suffice for all of "
                    "it beside what is kept free. Set 'GPU Weights' at the top of the page higher, or free memory.",
                )
            )
        return model

    def is_in_place(self, model: ForgeModel) -> bool:
        from modules import devices

        return _is_on(model.model.diffusion_model, devices.device.type)

    def bring(self, model: ForgeModel, part: str) -> None:
        from backend import memory_management

        objects = model.objects
        patchers = {UNET: objects.unet, TEXT: objects.clip.patcher, VAE: objects.vae.patcher}
        memory_management.load_model_gpu(patchers[part])

    def tensors_of(self, module: nn.Module) -> Mapping[str, Tensor]:
        """Other tensors over the same memory: those of inference mode cannot be trained through.

        They do not follow when Forge moves the network; until they are made anew, they keep the memory where it was.
        """
        named = dict(module.named_parameters(remove_duplicate=False)) | dict(module.named_buffers())
        twice = {key for key in named if key.endswith(WEIGHT) and key.replace(WEIGHT, WRAPPED) in named}
        return {key: _shared(tensor) for key, tensor in named.items() if key not in twice}

    def remove_loras(self) -> None:
        """Loads no model. Forge patches anew before its next picture with a LoRA."""
        lora_extension.networks().loaded_networks.clear()
        if (model := self.loaded()) is None:
            return
        engine, objects = model.engine, model.objects
        engine.current_lora_hash = str([])
        engine.forge_objects, engine.forge_objects_after_applying_lora = (objects.shallow_copy() for _ in range(2))
        for patcher in (objects.unet, objects.clip.patcher):
            patcher.refresh_loras()

    def forget_loras(self, names: Sequence[str] | None = None) -> None:
        """All of them: Forge keeps the last few files, and tells them apart by their paths only."""
        lora_extension.networks().load_lora_state_dict.cache_clear()

    def left_out(self, file: Path, network: Any = None) -> list[str]:
        """Forge's own record of a loaded file says nothing, so its loader is asked module by module."""
        from backend.patcher.lora import load_lora, model_lora_keys_clip, model_lora_keys_unet
        from backend.utils import load_torch_file

        if (model := self.loaded()) is None:
            return []
        unet, clip, _ = model.networks
        places = model_lora_keys_unet(unet, {}) | model_lora_keys_clip(clip, {})
        weights = dict(unet.named_parameters()) | dict(clip.named_parameters())
        tensors = load_torch_file(str(file), safe_load=True)
        named: dict[str, dict[str, Tensor]] = {}
        for key, tensor in tensors.items():
            named.setdefault(key.partition(".")[0], {})[key] = tensor
        missing = []
        for name in lora_extension.modules_of(tensors):
            patches, rest = load_lora(named[name], {name: places[name]}) if name in places else ({}, named[name])
            if rest or not all(_fits(patch, weights.get(key)) for key, patch in patches.items()):
                missing.append(name)
        return sorted(missing)

    def vae_file(self) -> str:
        """That among the files which Forge loads beside the checkpoint; they may be text encoders too."""
        from modules import shared

        files = [Path(file) for file in shared.opts.forge_additional_modules or ()]
        return next((str(file) for file in files if _is_vae(file)), "")

    def keeps_parts_away(self) -> bool:
        """Forge passes over `--lowvram`, and decides by the memory that there is."""
        return False


def _is_on(network: nn.Module, device: str) -> bool:
    return all(not parameter.is_meta and parameter.device.type == device for parameter in network.parameters())


def _shared(tensor: Tensor) -> Tensor:
    """An ordinary tensor over the memory of one that was made in inference mode."""
    import torch
    from torch import nn

    if not tensor.is_inference():
        return tensor
    alias = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
    alias.set_(tensor.untyped_storage(), tensor.storage_offset(), tensor.size(), tensor.stride())
    return nn.Parameter(alias, requires_grad=False) if isinstance(tensor, nn.Parameter) else alias


def _fits(patch: Any, weight: Tensor | None) -> bool:
    """Whether a patch keeps the shape of its weight; tried without numbers, on the 'meta' device."""
    import torch
    from backend.patcher.lora import merge_lora_to_weight

    if weight is None:
        return False
    bare = torch.empty(weight.shape, device="meta")
    try:
        patched = merge_lora_to_weight([(1.0, patch, 1.0, None, None)], bare, computation_dtype=torch.float32)
    except RuntimeError:
        return False
    return patched.shape == weight.shape


def _is_vae(file: Path) -> bool:
    """Files of other formats than safetensors say nothing before they are loaded; their folder does."""
    if file.suffix.lower() != ".safetensors" or not file.is_file():
        return file.parent.name.lower() == "vae"
    return any(key in read_header(file).tensors for key in VAE_KEYS)
