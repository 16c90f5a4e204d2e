"""Pictures by the host's own txt2img, with LoRA files that its list does not show."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from ...errors import BaseModelError, FileFormatError, TrainingError, UserError
from ...files.container import read_header
from ...files.hashes import MODEL_HASH
from ...files.names import split_stem
from ...sampling.infotext import lora_tag
from ...sampling.request import Request
from ...sampling.samplers import SAMPLERS
from ...seeds import untouched_random_state
from ...sentences import Sentence
from ..base import Drawn, LoraUse
from . import interrupts, lora_extension
from .progress import HostJob, wait_for_page

LORA_TAG = re.compile(r"\s*<(?:lora|lyco):([^:>]+)[^>]*>")
TRIES = 2
"""A second one, when the host looked through its LoRA folder in the middle of the first."""
JOB, PLAIN_JOB = "Train LoRA: try it", "Train LoRA: draw"
"""What the host's state calls a picture with and without a LoRA that is tried."""
CLIP_SKIP = "CLIP_stop_at_last_layers"
"""The host's setting."""


@dataclass
class TriedFile:
    """A LoRA file as the host's Lora extension knows those of its list, but in none of its lists and caches on disk."""

    name: str
    filename: str
    metadata: dict[str, str]
    alias: str = ""
    hash: str = ""
    shorthash: str = ""
    sd_version: Any = None
    is_safetensors: bool = True
    checked: bool = field(default=False, compare=False)

    @classmethod
    def of(cls, file: Path, name: str) -> TriedFile:
        metadata = read_header(file).metadata
        sha256 = metadata.get(MODEL_HASH, "")
        return cls(name, str(file), metadata, alias=name, hash=sha256, shorthash=sha256[:12])

    def read_hash(self) -> None:
        """The host asks for it after loading."""

    def get_alias(self) -> str:
        return self.name


class WebUIStudio:
    """Draws with the selected checkpoint; use as a context manager."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = {file: TriedFile.of(file, name) for file, name in zip(files, _free_names(files))}
        self._drawn = False
        self._conditionings = {"cached_c": [None, None], "cached_uc": [None, None]}

    def __enter__(self) -> WebUIStudio:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Take the tried files out of the weights and of the host's memory."""
        from modules.call_queue import queue_lock

        if self._drawn and self._files:
            with queue_lock:
                lora_extension.forget([tried.name for tried in self._files.values()])

    def draw(self, request: Request, loras: Sequence[LoraUse] = ()) -> Drawn:
        """One picture by the host's txt2img; nothing is written to its output folder, no setting or chance changes.

        Tags of a tried LoRA in the prompt give way to those of `loras`; tags of other LoRAs stay. Waits for its turn.
        Raises UserError when the host's Interrupt or Skip was pressed or it could not draw, FileFormatError when a
        file does not fit the checkpoint.
        """
        from modules.call_queue import queue_lock

        used = [use for use in loras if use.strength]
        tried = [self._files[use.file] for use in used]
        tags = [lora_tag(file.name, use.strength) for file, use in zip(tried, used)]
        prompt = " ".join([self._without_own_tags(request.prompt), *tags])
        with queue_lock:
            self._drawn = True
            for _ in range(TRIES):
                wait_for_page()
                with HostJob(JOB if self._files else PLAIN_JOB) as job, _visible(tried), _settings_of(request):
                    processed = self._process(request, prompt)
                    job.raise_if_stopped()
                if all(self._was_used(file) for file in tried):
                    return Drawn(processed.images[0], processed.infotexts[0])
        raise UserError(
            Sentence("lora_not_drawn", "The WebUI did not load the LoRA, so there is no picture; its log says why.")
        )

    def _process(self, request: Request, prompt: str) -> Any:
        """What the host's pipeline makes of it. Called under its lock."""
        from modules import devices, processing, scripts, shared
        from torch.cuda import OutOfMemoryError

        if shared.sd_model is None:
            raise BaseModelError(
                Sentence("no_checkpoint", "The WebUI has no checkpoint loaded; select one at the top of its page.")
            )
        sampler = SAMPLERS.get(request.sampler)
        work = processing.StableDiffusionProcessingTxt2Img(
            sd_model=shared.sd_model,
            prompt=prompt,
            negative_prompt=request.negative_prompt,
            seed=request.seed,
            width=request.width,
            height=request.height,
            steps=request.steps,
            cfg_scale=request.guidance,
            sampler_name=sampler.label,
            scheduler=sampler.schedule,
            do_not_save_samples=True,
            do_not_save_grid=True,
        )
        work.scripts = scripts.ScriptRunner()  # an empty one; without any, the infotext would lack the LoRAs' tags
        work.cached_c, work.cached_uc = self._conditionings["cached_c"], self._conditionings["cached_uc"]
        try:
            with untouched_random_state():
                return processing.process_images(work)
        except devices.NansException as error:
            raise UserError(
                Sentence("drawing_no_numbers", "The picture has no numbers: {reason}", reason=error)
            ) from error
        except OutOfMemoryError as error:
            raise TrainingError(
                Sentence(
                    "drawing_out_of_memory",
                    "The device has too little memory for a picture of {width} x {height}. Draw smaller ones.",
                    width=request.width,
                    height=request.height,
                )
            ) from error
        finally:
            shared.total_tqdm.clear()

    def _was_used(self, tried: TriedFile) -> bool:
        """Whether the last picture was drawn with `tried`. Raises FileFormatError when parts of it were left out."""
        network = next((net for net in lora_extension.networks().loaded_networks if net.name == tried.name), None)
        if network is None:
            return False
        names = [] if tried.checked else lora_extension.left_out(Path(tried.filename), network)
        if names:
            raise FileFormatError(
                Sentence(
                    "lora_does_not_fit",
                    "'{name}' does not fit the selected checkpoint; {count} of its modules have no place in it: "
                    "{names}. Select a checkpoint of the kind that it was trained on.",
                    name=tried.name,
                    count=len(names),
                    names=lora_extension.some(names),
                )
            )
        tried.checked = True
        return True

    def _without_own_tags(self, prompt: str) -> str:
        """The prompt without tags of the LoRA that is tried, under the name of any of its saves or its final one."""
        names = {tried.name for tried in self._files.values()} | {split_stem(file.stem)[0] for file in self._files}
        return LORA_TAG.sub(lambda tag: "" if tag[1] in names else tag[0], prompt).strip()


def _free_names(files: Sequence[Path]) -> list[str]:
    """A name for every file that no LoRA of the host has: its own, where that is free."""
    names: list[str] = []
    for file in files:
        lora = lora_extension.networks()
        name, number = file.stem, 2
        while name in names or name in lora.available_networks or name in lora.available_network_aliases:
            name, number = f"{file.stem} ({number})", number + 1
        names.append(name)
    return names


@contextmanager
def _visible(tried: Sequence[TriedFile]) -> Iterator[None]:
    """The host finds `tried` by their names inside the block only; without any its Lora extension is not needed."""
    if not tried:
        yield
        return
    lora = lora_extension.networks()
    lists = (lora.available_networks, lora.available_network_aliases)
    try:
        for file in tried:
            for known in lists:
                known[file.name] = file
        yield
    finally:
        for file in tried:
            for known in lists:
                if known.get(file.name) is file:
                    del known[file.name]


@contextmanager
def _settings_of(request: Request) -> Iterator[None]:
    """The host's settings as `request` needs them; what the user changes meanwhile stays changed.

    The last prompt, which the host offers to read back, stays the user's own. 'Reload UI' does not interrupt.
    """
    from modules import shared

    settings, history = shared.opts.data, shared.cmd_opts.no_prompt_history
    before = {CLIP_SKIP: settings[CLIP_SKIP]} if CLIP_SKIP in settings else {}  # without it the default counts
    settings[CLIP_SKIP] = request.clip_skip
    shared.cmd_opts.no_prompt_history = True
    try:
        with interrupts.watched(shared.state, lambda: None):
            yield
    finally:
        shared.cmd_opts.no_prompt_history = history
        if settings.get(CLIP_SKIP) == request.clip_skip:
            del settings[CLIP_SKIP]
            settings.update(before)
