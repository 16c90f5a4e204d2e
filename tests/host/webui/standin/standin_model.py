"""The WebUI's loaded model in small: networks of the original layout as trees of modules, as the WebUI keeps them."""

from pathlib import Path

import torch
from torch import nn

from lora_trainer.checkpoints import open_checkpoint
from lora_trainer.families.base import FAMILIES
from lora_trainer.families.detect import detect
from lora_trainer.text.encode import encode
from lora_trainer.text.tokens import tokenize_prompts
from lora_trainer.twin.lora_names import lora_name
from lora_trainer.twin.sources import shapes_of
from lora_trainer.twin.text import build_text_encoder
from lora_trainer.twin.unet import head_counts
from lora_trainer.twin.unet_keys import read_layout, unet_modules
from tests.twin.originals import OriginalUNet, sinusoids

UNET, VAE = "model.diffusion_model.", "first_stage_model."
EMBEDDED_SIZES = 6


class Node(nn.Module):
    """A module of whatever hangs on it."""

    def __init__(self, **children):
        super().__init__()
        for name, child in children.items():
            self.add_module(name, child)


def tree(tensors, trainable=False):
    """Modules by the dots of their tensors' names."""
    root = Node()
    for key, tensor in tensors.items():
        *path, leaf = key.split(".")
        node = root
        for name in path:
            if name not in node._modules:
                node.add_module(name, Node())
            node = node._modules[name]
        node.register_parameter(leaf, nn.Parameter(tensor.clone(), requires_grad=trainable))
    return root


def read_tensors(filename):
    """What is in a checkpoint, and what is said beside it."""
    with open_checkpoint(Path(filename)) as file:
        return {key: file.tensor(key) for key in file.keys()}, detect(file).info, file.hints  # noqa: SIM118


class StandInModel(nn.Module):
    """The model with the attributes that the WebUI gives it."""

    def __init__(self, read):
        super().__init__()
        tensors, info, hints = read
        self.family = FAMILIES.get(info.family)
        self.is_sd1, self.is_sd2, self.is_sdxl = (info.family == name for name in ("sd1", "sd2", "sdxl"))
        self.is_ssd = self.is_sd3 = self.is_sdxl_inpaint = self.lowvram = False
        self.model = Node(diffusion_model=tree(_part(tensors, UNET), trainable=True))
        self.model.conditioning_key = "crossattn"
        self.first_stage_model = tree(_part(tensors, VAE))
        texts = [self._text(tensors, index) for index in range(len(self.family.text_parts))]
        if self.is_sdxl:
            self.conditioner = Node(embedders=nn.ModuleList(Node(wrapped=text) for text in texts))
            self.cond_stage_model = self.conditioner
        else:
            self.cond_stage_model = Node(wrapped=texts[0])
        self.cond_stage_key, self.used_config = "txt", ""
        self._read_from(info, hints)

    def _text(self, tensors, index):
        prefix = self.family.text_parts[index].prefix
        return Node(**{prefix.rstrip(".").rpartition(".")[2]: tree(_part(tensors, prefix))})

    def _read_from(self, info, hints):
        self.parameterization = "v" if info.prediction_type == "v_prediction" else "eps"
        self.scale_factor = info.latent_scale
        self.alphas_cumprod = self.alphas_cumprod_original = torch.linspace(0.999, 0.005, 1000)
        unet, self._hints = self.model.diffusion_model, hints
        layout = read_layout(shapes_of(dict(unet.named_parameters())))
        counts = head_counts(layout, hints.heads, hints.head_channels)
        self._heads = dict(zip(layout.channels, counts))
        for name, module in unet.named_modules():
            if name.endswith((".attn1", ".attn2")):
                module.heads = self._heads[module.to_q.weight.shape[0]]
        for index, text in enumerate(self.text_modules()):
            said = hints.of_text(index)
            if self.family.text_parts[index].prefix.endswith("transformer."):
                text.config = _Said(num_attention_heads=said.heads, hidden_act=said.activation or "quick_gelu")
            else:
                heads = said.heads or text.ln_final.weight.shape[0] // 64
                for block in text.transformer.resblocks.children():
                    block.attn.num_heads = heads

    def fits(self, read):
        """Whether a checkpoint's tensors go into these modules."""
        tensors, info, _ = read
        mine = {key: tuple(t.shape) for key, t in self._places().items()}
        return info.family == self.family.name and mine == {key: tuple(t.shape) for key, t in tensors.items()}

    def fill(self, read):
        tensors, info, hints = read
        for key, place in self._places().items():
            place.copy_(tensors[key])
        for module in self.modules():
            module.network_current_names, module.network_weights_backup = (), None
        self._read_from(info, hints)

    def _places(self):
        places = {UNET + key: p for key, p in self.model.diffusion_model.named_parameters()}
        places |= {VAE + key: p for key, p in self.first_stage_model.named_parameters()}
        for part, text in zip(self.family.text_parts, self.text_modules()):
            places |= {part.prefix + key: p for key, p in text.named_parameters()}
        return places

    def text_modules(self):
        """The text encoders themselves, in the family's order."""
        embedders = list(self.conditioner.embedders) if self.is_sdxl else [self.cond_stage_model]
        return [next(iter(embedder.wrapped.children())) for embedder in embedders]

    def text_module(self):
        """What --medvram fetches to the device as a whole."""
        return self.conditioner if self.is_sdxl else self.text_modules()[0]

    def get_learned_conditioning(self, texts):
        """The conditioning of prompts, as the options want it."""
        from modules import shared

        for hook in self.text_module()._forward_pre_hooks.values():
            hook(self.text_module(), None)
        encoders = [
            build_text_encoder(
                {key: parameter.detach() for key, parameter in text.named_parameters()},
                projected=part.projected,
                heads=self._hints.of_text(index).heads,
                activation=self._hints.of_text(index).activation,
            )
            for index, (part, text) in enumerate(zip(self.family.text_parts, self.text_modules()))
        ]
        with torch.no_grad():
            made = encode(
                self.family,
                encoders,
                tokenize_prompts(self.family.name, list(texts)),
                clip_skip=shared.opts.CLIP_stop_at_last_layers,
                clip_skip_sdxl=shared.opts.sdxl_clip_l_skip,
            )
        if not self.is_sdxl:
            return made.context
        side = torch.tensor([1024.0, 1024.0, 0.0, 0.0, 1024.0, 1024.0])
        sizes = sinusoids(side, 256).flatten().expand(len(made.context), -1)
        return {"crossattn": made.context, "vector": torch.cat([made.pooled, sizes], dim=1)}

    def conditioning_for_picture(self, prompt):
        made = self.get_learned_conditioning([prompt])
        return (made["crossattn"], made["vector"]) if isinstance(made, dict) else (made, None)

    def predict(self, x, timesteps, context, vector=None):
        for hook in self.model._forward_pre_hooks.values():
            hook(self.model, None)
        tensors = dict(self.model.diffusion_model.named_parameters())
        return OriginalUNet(tensors, self._heads.__getitem__)(x, timesteps, context, vector)

    def network_modules(self):
        """(name in the Lora extension, module) of all that a LoRA may go into."""
        for number, text in enumerate(self.text_modules()):
            kind = self.family.text_parts[number].prefix.rstrip(".").rpartition(".")[2]
            first = f"{number}_{kind}_" if self.is_sdxl else f"{kind}_"
            yield from ((first + name.replace(".", "_"), module) for name, module in text.named_modules())
        for name, module in self.model.named_modules():
            yield name.replace(".", "_"), module

    def network_names(self):
        """{module in a LoRA file: its name in the Lora extension}, for the U-Net and Hugging Face's text encoders."""
        layout = read_layout(shapes_of(dict(self.model.diffusion_model.named_parameters())))
        names = {}
        for original, twin in unet_modules(layout).items():
            file_name = lora_name("lora_unet", original if self.family.original_names else twin)
            names[file_name] = "diffusion_model_" + original.replace(".", "_")
        first = "0_" if self.is_sdxl else ""
        if self.family.text_parts[0].prefix.endswith("transformer."):
            for name, _ in self.text_modules()[0].named_modules():
                names[lora_name(self.family.text_parts[0].lora_prefix, name)] = (
                    f"{first}transformer_{name.replace('.', '_')}"
                )
        return names


class _Said:
    def __init__(self, **values):
        vars(self).update(values)


def _part(tensors, prefix):
    return {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}
