"""Where the user's captioning models lie: DATA/captioners/NAME, or wherever the settings say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .base import Settings

FOLDER = "captioners"
"""In the host's data folder."""
DEEPEST = 2
"""How far below a captioner's folder its models may lie."""

IsModel = Callable[[Path], bool]


def place(settings: Settings, name: str) -> Path:
    """The folder that the models of captioner `name` belong into."""
    return settings.folder / name


def found_models(folder: Path, is_model: IsModel, depth: int = DEEPEST) -> list[Path]:
    """All models in a folder (which may be one itself), in the order of their names. What lies in one is part of it."""
    if is_model(folder):
        return [folder]
    if depth == 0 or not folder.is_dir():
        return []
    inside = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    return [model for path in inside for model in found_models(path, is_model, depth - 1)]


def model_names(settings: Settings, name: str, is_model: IsModel) -> list[str]:
    """The models in the captioner's folder as `Settings.model` names them."""
    folder = place(settings, name)
    return [path.relative_to(folder).as_posix() for path in found_models(folder, is_model)]


def chosen_model(settings: Settings, name: str, is_model: IsModel) -> Path | None:
    """The model that the settings name, or the first that is there; None when there is none such."""
    folder = place(settings, name)
    if not settings.model:
        return next(iter(found_models(folder, is_model)), None)
    given = Path(settings.model.strip().strip('"')).expanduser()
    return next((path for path in (folder / given, given) if is_model(path)), None)


def is_inside(settings: Settings, name: str) -> bool:
    """Whether the settings name a model of the captioner's own folder, or none."""
    folder = place(settings, name).resolve()
    return not settings.model or (folder / settings.model).resolve().is_relative_to(folder)
