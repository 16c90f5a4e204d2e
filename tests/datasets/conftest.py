import io
import zipfile

import pytest
from PIL import Image

from lora_trainer.datasets import DataSets


@pytest.fixture
def store(tmp_path):
    """All data sets, none yet."""
    return DataSets(tmp_path / ".lora-trainer" / "datasets")


@pytest.fixture
def cats(store):
    """An empty data set that was uploaded."""
    return store.create("cats")


def picture(size=(96, 64), colour=(200, 30, 20), kind="PNG"):
    """Bytes of a picture of `size` (width, height)."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind)
    return buffer.getvalue()


def packed_as(files):
    """Bytes of a zip of {name or ZipInfo: bytes}."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()
