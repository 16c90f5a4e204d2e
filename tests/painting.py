"""A host that paints in no time: a plain colour for every seed."""

from __future__ import annotations

from contextlib import contextmanager

from PIL import Image

from lora_trainer.host.base import BaseInfo, Drawn


class Painter:
    """`before(number)` is called before each picture, from 1."""

    kind = "painter"

    def __init__(self, folder=None, before=lambda number: None):
        self.folder, self.before, self.asked, self.opened = folder, before, [], 0

    def describe(self):
        return BaseInfo("painter", "sd1", native_resolution=64)

    def data_folder(self):
        return self.folder

    @contextmanager
    def studio(self, files):
        assert not files
        self.opened += 1
        yield self

    def draw(self, request, loras=()):
        self.before(len(self.asked) + 1)
        self.asked.append(request)
        colour = (request.seed % 256, request.seed // 256 % 256, 7)
        return Drawn(
            Image.new("RGB", (request.width, request.height), colour), f"{request.prompt}\nSeed: {request.seed}"
        )
