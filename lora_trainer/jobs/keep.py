"""Keep this one: a save of a run becomes the file in the LoRA folder, with a card that shows how to use it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..files.names import EXTENSION, name_problem, safe_stem
from ..host.base import Card, Host
from ..sentences import Sentence, to_json
from .job import Job


@dataclass(frozen=True)
class Kept:
    """A published file and how it is called up."""

    name: str
    file: Path
    strength: float
    trigger_word: str
    remarks: tuple[str, ...] = ()

    @property
    def tag(self) -> str:
        from ..sampling.infotext import lora_tag

        return lora_tag(self.name, self.strength)

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "file": str(self.file), "tag": self.tag}

    def answer(self) -> dict[str, Any]:
        """`to_json` with all that a page says of it."""
        remarks = [to_json(remark) for remark in self.remarks]
        return {**self.to_json(), "trigger_word": self.trigger_word, "remarks": remarks}


def keep(
    host: Host,
    job: Job,
    save: str,
    *,
    strength: float = 1.0,
    preview: Path | None = None,
    replace: bool = False,
    name: str = "",
) -> Kept:
    """Publish a save of `job`, also over what this job published before. Raises LoraExists, UserError."""
    own = job.record.published
    replace = replace or (own is not None and own["name"] == safe_stem(name or job.record.name))
    kept = publish(host, job, save, strength=strength, preview=preview, replace=replace, name=name)
    job.change(published={**kept.to_json(), "save": save}, message="")
    return kept


def publish(
    host: Host,
    job: Job,
    save: str,
    *,
    strength: float = 1.0,
    preview: Path | None = None,
    replace: bool = False,
    name: str = "",
) -> Kept:
    """Give a save the job's name (or another one) and put it into the host's LoRA folder."""
    from ..files.copy import copy_lora

    if not -10 <= strength <= 10:
        raise UserError(Sentence("strength", "A strength must lie between -10 and 10, not {value}.", value=strength))
    if name and (problem := name_problem(name)):
        raise UserError(Sentence("name", "{problem}", problem=problem))
    file = job.save_path(save)
    wanted = safe_stem(name or job.record.name)
    if file.stem != wanted:
        source, file = file, job.folder.path / "kept" / f"{wanted}{EXTENSION}"
        copy_lora(source, file)
    published = host.publish(file, _card(job, strength, preview), replace=replace)
    return Kept(published.name, published.file, strength, job.trigger_word, tuple(published.remarks))


def _card(job: Job, strength: float, preview: Path | None) -> Card:
    record = job.record
    samples = (job.folder.samples / name for name in record.samples[::-1])
    newest = next((path for path in samples if path.is_file()), None)
    notes = f"Trained with Train LoRA, {record.step} steps."
    return Card(job.trigger_word, strength, record.family, notes, preview or newest)
