from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from safetensors.torch import load

from lora_trainer.errors import FileFormatError
from lora_trainer.files import stream
from lora_trainer.files.container import TensorSpec
from lora_trainer.files.stream import write_stream

TENSORS = {"a": torch.arange(3.0), "b": torch.zeros(2, dtype=torch.float16)}
SPECS = {name: TensorSpec.of(tensor) for name, tensor in TENSORS.items()}


def test_tensors_are_asked_for_one_by_one_and_the_hash_is_the_files(tmp_path: Path) -> None:
    asked = []

    def tensor_of(name: str) -> torch.Tensor:
        asked.append(name)
        return TENSORS[name]

    sha256 = write_stream(tmp_path / "x.safetensors", SPECS, tensor_of)
    content = (tmp_path / "x.safetensors").read_bytes()
    assert asked == ["a", "b"]
    assert sha256 == hashlib.sha256(content).hexdigest()
    assert torch.equal(load(content)["a"], TENSORS["a"])


def test_a_disk_that_gives_back_something_else_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"earlier")
    honest = stream.sha256_of_file

    def damaged(partial: Path) -> str:
        partial.write_bytes(partial.read_bytes()[:-1] + b"!")
        return honest(partial)

    monkeypatch.setattr(stream, "sha256_of_file", damaged)
    with pytest.raises(FileFormatError, match="read back changed"):
        write_stream(path, SPECS, TENSORS.__getitem__)
    assert path.read_bytes() == b"earlier"
