"""Pictures drawn on the fly."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from lora_trainer.config import DataOptions, Folder
from lora_trainer.data.records import Picture, Size

RED, BLUE = (200, 30, 20), (10, 40, 220)


def draw(path: Path, size: Size = (96, 96), colour: tuple[int, int, int] = RED, caption: str | None = None) -> Path:
    """A picture of `size` (height, width) with a blue top left quarter, and its caption file if there is a caption."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", size[::-1], colour)
    image.paste(BLUE, (0, 0, size[1] // 2, size[0] // 2))
    image.save(path)
    if caption is not None:
        path.with_suffix(".txt").write_text(caption, encoding="utf-8")
    return path


def options(*folders: Path | Folder, **values: object) -> DataOptions:
    """Data options for small pictures in these folders."""
    listed = [folder if isinstance(folder, Folder) else Folder(str(folder)) for folder in folders]
    return DataOptions(folders=listed, **{"resolution": 64, "bucket_least": 64, **values})  # type: ignore[arg-type]


def record(name: str, bucket: Size = (64, 64), **values: object) -> Picture:
    """A picture's record without a file."""
    return Picture(Path(name), name, digest=f"digest of {name}", size=bucket, bucket=bucket, **values)  # type: ignore[arg-type]
