"""Where a user's models lie: in a folder, up to two folders deep, or wherever they are said to be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

FOLDER = "captioners"
"""In the host's data folder: the user's models, in a folder for each kind. (Captioning had them first.)"""
DEEPEST = 2
"""How far below a folder its models may lie."""

IsModel = Callable[[Path], bool]


def found_models(folder: Path, is_model: IsModel, depth: int = DEEPEST) -> list[Path]:
    """All models in a folder (which may be one itself), in the order of their names. What lies in one is part of it."""
    if is_model(folder):
        return [folder]
    if depth == 0 or not folder.is_dir():
        return []
    inside = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    return [model for path in inside for model in found_models(path, is_model, depth - 1)]


def chosen_model(folder: Path, model: str, is_model: IsModel) -> Path | None:
    """The model of that name in `folder`, or at that path; without a name the first that is there. None: none such."""
    if not model:
        return next(iter(found_models(folder, is_model)), None)
    given = Path(model.strip().strip('"')).expanduser()
    return next((path for path in (folder / given, given) if is_model(path)), None)
