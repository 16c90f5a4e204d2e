"""Putting a finished LoRA where the host finds it, so that it takes effect at once and nothing of it is left out."""

from __future__ import annotations

from pathlib import Path

from ...errors import FileFormatError, LoraExists, UserError
from ...files.atomic import FileInUse
from ...files.container import read_header
from ...files.copy import copy_lora
from ...files.family import UNKNOWN, family_of_metadata
from ...files.names import EXTENSION, safe_stem
from ...files.sidecar import write_card
from ...sentences import Sentence
from ..base import Card, Published
from . import lora_extension, selection
from .kind import kind


def lora_folder() -> Path:
    """The host's folder of LoRAs, as it was started with."""
    from modules import paths, shared

    return Path(getattr(shared.cmd_opts, "lora_dir", None) or Path(paths.models_path) / "Lora")


def publish(file: Path, card: Card, *, replace: bool = False) -> Published:
    """`Host.publish` for the WebUI: copy, describe, and read back through the host's own loader.

    A file trained again under the same name takes effect in the very next picture. Where the old file cannot be
    replaced because some program holds it, the LoRA gets a free name, and a remark says so.
    """
    from modules.call_queue import queue_lock

    target = _place(file, safe_stem(file.stem), replace)
    with queue_lock:
        remarks = _check(file)
        lora_extension.forget_files()
        target, moved = _copy(file, target)
        remarks += moved + write_card(target, card)
        lora_extension.networks().list_available_networks()
        _check(target)
    return Published(target.stem, target, tuple(remarks))


def _place(file: Path, stem: str, replace: bool) -> Path:
    """Where the LoRA goes: over the file that the host lists under that name, in whatever folder, or a new one.

    Raises LoraExists when there is one that is not to be replaced, UserError when it cannot be.
    """
    listed = lora_extension.networks().available_networks.get(stem)
    place = lora_folder() / (stem + EXTENSION)
    if listed is not None and not place.exists() and Path(listed.filename).is_file():
        place = Path(listed.filename)
    if place.suffix.lower() != EXTENSION:
        raise UserError(
            Sentence(
                "lora_exists_in_old_format",
                "The LoRA folder holds '{file}', and the WebUI cannot tell two LoRAs of one name apart. "
                "Rename or remove it, or choose another name.",
                file=place.name,
            )
        )
    if place.exists() and not replace and not place.samefile(file):
        raise LoraExists(
            Sentence(
                "lora_exists",
                "There is a LoRA called '{name}' already ('{file}'). Replace it, or choose another name.",
                name=stem,
                file=str(place),
            )
        )
    return place


def _copy(file: Path, target: Path) -> tuple[Path, list[Sentence]]:
    """Copy to `target`, or to a free name beside it when a program holds it; and what is to be said of that."""
    try:
        if not (target.exists() and target.samefile(file)):
            copy_lora(file, target)
        return target, []
    except FileInUse as error:
        copy_lora(file, error.saved_as)  # again, for its own name stands inside it
        remark = Sentence(
            "published_under_new_name",
            "'{file}' is held open by another program and could not be replaced, so the LoRA is called '{name}' now.",
            file=target.name,
            name=error.saved_as.stem,
        )
        return error.saved_as, [remark]


def _check(file: Path) -> list[Sentence]:
    """Load `file` through the host's own loader; a remark when a base of another family is selected now.

    Raises FileFormatError with the names of what the loader leaves out.
    """
    family = family_of_metadata(read_header(file).metadata)
    if family not in (UNKNOWN, selection.family_of(kind().loaded())):
        return [
            Sentence(
                "lora_not_checked",
                "'{name}' could not be tried through the WebUI's loader, since it is for {family} and another kind of "
                "base is selected now.",
                name=file.stem,
                family=family.upper(),
            )
        ]
    names = lora_extension.unmatched(file)
    if names:
        raise FileFormatError(
            Sentence(
                "lora_keys_left_out",
                "The WebUI's loader leaves out {count} modules of '{file}': {names}. It was not published.",
                count=len(names),
                file=file.name,
                names=lora_extension.some(names),
            )
        )
    return []
