"""Checkpoints by name, as every kind of WebUI knows them."""

import hashlib
from pathlib import Path

checkpoints_list = {}
checkpoint_aliases = {}


class CheckpointInfo:
    def __init__(self, filename):
        self.filename = str(filename)
        self.name = Path(filename).name
        self.name_for_extra = self.model_name = Path(filename).stem
        self.sha256 = self.shorthash = None
        self.title = self.name
        self.ids = [self.name, self.name_for_extra, self.filename]

    def register(self):
        checkpoints_list[self.title] = self
        for name in self.ids:
            checkpoint_aliases[name] = self

    def calculate_shorthash(self):
        self.sha256 = hashlib.sha256(Path(self.filename).read_bytes()).hexdigest()
        self.shorthash = self.sha256[:10]
        return self.shorthash
