"""Drawing with the parts of one loan, and with LoRA files on top: what the standalone host does for try-outs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from .errors import UserError
from .families.base import FAMILIES, Family, PictureSize
from .files.hashes import MODEL_HASH
from .files.lora import LoraModule
from .files.module import Module
from .files.names import split_stem
from .files.read import read_lora
from .host.base import Conditioning, Drawn, Loan, LoraUse
from .networks.adapters import attach_modules
from .sampling.request import Request
from .sentences import Sentence
from .text.encode import encode
from .text.tokens import tokenize_prompts
from .tools.merge import joined
from .txt2img import decode, draw_latents, encode_wording, infotext_of

if TYPE_CHECKING:
    from torch import nn

    from .networks.adapters import Adapters

TAG = re.compile(r"<lora:(?P<name>[^:>]+)(?::(?P<strength>-?[0-9.]+))?[^>]*>")


def without_tags(prompt: str, files: Sequence[Path]) -> str:
    """The prompt without tags that name one of `files`, or the LoRA whose save it is."""
    names = {name for file in files for name in (file.stem, split_stem(file.stem)[0])}
    return TAG.sub(lambda tag: "" if tag["name"] in names else tag[0], prompt).strip()


class LoanStudio:
    """Draws with a lent base. The adapters of the last picture stay on while the same files are asked for.

    `find` gives the file of a LoRA that a prompt's tag names, or None. Call `close` to leave the base as it was.
    """

    def __init__(self, loan: Loan, find: Callable[[str], Path | None] = lambda name: None) -> None:
        self._loan, self._find = loan, find
        self._family: Family = FAMILIES.get(loan.info.family)
        self._unet: nn.Module = loan.unet()
        self._encoders: list[nn.Module] = loan.text_encoders()
        self._files: dict[Path, dict[str, Module]] = {}
        self._hashes: dict[Path, str] = {}
        self._adapters: Adapters | None = None
        self._attached: tuple[LoraUse, ...] = ()

    def draw(self, request: Request, loras: Sequence[LoraUse] = ()) -> Drawn:
        """One picture; tags of what is tried give way to `loras`.

        Raises UserError for a tag of an unknown LoRA, FileFormatError for a file that does not fit.
        """
        request = replace(request, prompt=without_tags(request.prompt, [use.file for use in loras]))
        self._use((*loras, *self._tagged(request.prompt)))
        with torch.no_grad():
            wording = encode_wording(self._loan, request, self._encoder(request.clip_skip))
            latents = draw_latents(self._loan, self._predict, wording, request)
            (image,) = decode(self._loan, latents)
        used = {use.file.stem: (use.strength, self._hashes[use.file]) for use in loras if use.strength}
        return Drawn(image, infotext_of(request, self._loan, used))

    def close(self) -> None:
        """Take all adapters off the base."""
        if self._adapters is not None:
            self._adapters.detach()
        self._adapters, self._attached = None, ()

    def _tagged(self, prompt: str) -> list[LoraUse]:
        """The LoRAs that a prompt names in tags of its own."""
        uses = []
        for tag in TAG.finditer(prompt):
            file = self._find(tag["name"])
            if file is None:
                raise UserError(
                    Sentence("lora_unknown", "The prompt names a LoRA '{name}', which there is not.", name=tag["name"])
                )
            uses.append(LoraUse(file, float(tag["strength"] or 1)))
        return uses

    def _use(self, uses: tuple[LoraUse, ...]) -> None:
        """Put these LoRAs on. One alone only changes its strength; several are joined into one, strengths and all."""
        uses = tuple(use for use in uses if use.strength or len(uses) == 1)
        same = [use.file for use in uses] == [use.file for use in self._attached]
        if not same or (len(uses) > 1 and uses != self._attached):
            self.close()
            self._adapters = self._attach(uses) if uses else None
            self._attached = uses
        if self._adapters is not None:
            self._adapters.set_strength(uses[0].strength if len(uses) == 1 else 1.0)

    def _attach(self, uses: Sequence[LoraUse]) -> Adapters:
        modules = self._together(uses) if len(uses) > 1 else self._modules(uses[0].file)
        source = ", ".join(use.file.name for use in uses)
        return attach_modules(self._family, self._unet, self._encoders, modules, source)

    def _together(self, uses: Sequence[LoraUse]) -> dict[str, Module]:
        """Several files as one. Raises UserError where one of them is not of the kind that adds up."""
        terms: dict[str, list[tuple[LoraModule, float]]] = {}
        for use in uses:
            for name, module in self._modules(use.file).items():
                if not isinstance(module, LoraModule):
                    sentence = (
                        "'{name}' is of the type '{type}', which is drawn without other LoRAs here: "
                        "take their tags out of the prompt."
                    )
                    raise UserError(Sentence("lora_alone", sentence, name=use.file.stem, type=module.kind))
                terms.setdefault(name, []).append((module, use.strength))
        return {name: joined(name, ones, None)[0] for name, ones in terms.items()}

    def _modules(self, file: Path) -> dict[str, Module]:
        if file not in self._files:
            read = read_lora(file)
            self._files[file] = read.usable("draw with")
            self._hashes[file] = read.metadata.get(MODEL_HASH, "")
        return self._files[file]

    def _encoder(self, clip_skip: int) -> Callable[[Sequence[str]], Conditioning]:
        """Prompts through the text encoders as they are now, with adapters on them."""

        def through_adapters(texts: Sequence[str]) -> Conditioning:
            tokens = tokenize_prompts(self._family.name, texts)
            return encode(self._family, self._encoders, tokens, clip_skip=clip_skip)

        return through_adapters

    def _predict(
        self, noisy: torch.Tensor, timesteps: torch.Tensor, conditioning: Conditioning, sizes: Sequence[PictureSize]
    ) -> torch.Tensor:
        inputs: dict[str, Any] = self._family.unet_inputs(conditioning.to(self._loan.device, self._loan.dtype), sizes)
        return self._unet(noisy.to(self._loan.dtype), timesteps, return_dict=False, **inputs)[0]
