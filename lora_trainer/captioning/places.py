"""Where the user's captioning models lie: DATA/captioners/NAME, or wherever the settings say."""

from __future__ import annotations

from pathlib import Path

from ..vision import places
from ..vision.places import IsModel
from .base import Settings

FOLDER = places.FOLDER
"""In the host's data folder."""


def place(settings: Settings, name: str) -> Path:
    """The folder that the models of captioner `name` belong into."""
    return settings.folder / name


def model_names(settings: Settings, name: str, is_model: IsModel) -> list[str]:
    """The models in the captioner's folder as `Settings.model` names them."""
    folder = place(settings, name)
    return [path.relative_to(folder).as_posix() for path in places.found_models(folder, is_model)]


def chosen_model(settings: Settings, name: str, is_model: IsModel) -> Path | None:
    """The model that the settings name, or the first that is there; None when there is none such."""
    return places.chosen_model(place(settings, name), settings.model, is_model)


def is_inside(settings: Settings, name: str) -> bool:
    """Whether the settings name a model of the captioner's own folder, or none."""
    folder = place(settings, name).resolve()
    try:
        return not settings.model or (folder / settings.model).resolve().is_relative_to(folder)
    except (OSError, ValueError):  # no system has a file of such a name
        return False
