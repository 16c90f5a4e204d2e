"""The user's own presets: a YAML file each, in the host's private folder, which no update of the trainer touches."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace as changed
from pathlib import Path

from ..errors import NotFound, PresetExists, UserError
from ..files.atomic import write_text
from ..sentences import Sentence
from .preset import Preset
from .sharing import MOST_BYTES, from_text, to_text
from .shipped import load_presets

FOLDER = "presets"
"""In the host's private folder."""
MOST = 500

log = logging.getLogger(__name__)


class OwnPresets:
    """The presets in `folder`. What lies there is trusted no more than what is imported."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()

    def of(self, name: str) -> OwnPresets:
        """Those of one user, in a folder of their own whatever letters the name has."""
        return OwnPresets(self.folder / "users" / hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:16])

    def all(self) -> list[Preset]:
        """All that can be used, in natural order of their names."""
        return [preset for _, preset in self._each() if isinstance(preset, Preset)]

    def damaged(self) -> list[tuple[Path, str]]:
        """The files that cannot be used, with the reason."""
        return [(path, reason) for path, reason in self._each() if isinstance(reason, str)]

    def save(self, preset: Preset, *, replace: bool = False) -> Preset:
        """Write one. Raises PresetExists when there is one of that name that is not to be replaced, UserError."""
        if any(preset.name.casefold() == shipped.name for shipped in load_presets()):
            sentence = "'{name}' is a preset of the trainer's own: give yours another name."
            raise UserError(Sentence("preset_shipped", sentence, name=preset.name))
        with self._lock:
            files = self._files()
            there = next((path for path in files if path.stem.casefold() == preset.name.casefold()), None)
            if there is not None and not replace:
                sentence = "There is a preset called '{name}' already: replace it, or give this one another name."
                raise PresetExists(Sentence("preset_exists", sentence, name=there.stem))
            if there is None and len(files) >= MOST:
                raise UserError(Sentence("presets_many", "There are {most} presets already: delete some.", most=MOST))
            write_text(there or self.folder / f"{preset.name}.yaml", to_text(preset))
        return preset if there is None else changed(preset, name=there.stem)

    def delete(self, name: str) -> None:
        """Raises NotFound when there is none of that name."""
        with self._lock:
            path = next((path for path in self._files() if path.stem == name), None)
            if path is None:
                raise NotFound(Sentence("no_preset", "You have no preset called '{name}'.", name=name))
            path.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        """Its files: names that begin with a dot are others', and links may lead anywhere."""
        from ..data.walk import natural_key  # here, for it needs PIL, and a command line starts without

        if not self.folder.is_dir():
            return []
        found = [path for path in self.folder.glob("*.yaml") if path.is_file() and not path.is_symlink()]
        return sorted((path for path in found if path.name[0] != "."), key=lambda path: natural_key(path.name))

    def _each(self) -> Iterator[tuple[Path, Preset | str]]:
        """Every file with its preset, or with why it is none."""
        for path in self._files():
            try:
                with path.open("rb") as file:
                    preset = from_text(file.read(MOST_BYTES + 1), path.name).preset
                yield path, changed(preset, name=path.stem)
            except (UserError, OSError) as error:
                log.warning("The preset %r cannot be used: %r", path.name, str(error))
                yield path, error.sentence if isinstance(error, UserError) else str(error)
