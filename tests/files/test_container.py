from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save_file

from lora_trainer.errors import FileFormatError
from lora_trainer.files.container import ContainerReader, TensorSpec, same_bits, write_container

TENSORS = {
    "b.half": torch.arange(6, dtype=torch.float16).reshape(2, 3),
    "a.half": torch.tensor(0.5, dtype=torch.float16),
    "wide": torch.arange(4, dtype=torch.float64),
    "brain": torch.linspace(-1, 1, 5).to(torch.bfloat16),
    "bytes": torch.arange(3, dtype=torch.uint8),
    "eight": torch.tensor([0.5, -2.0]).to(torch.float8_e4m3fn),
    "猫": torch.tensor([True, False]),
}


def written(tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> bytes:
    file = io.BytesIO()
    write_container(file, {name: TensorSpec.of(tensor) for name, tensor in tensors.items()}, tensors.get, metadata)
    return file.getvalue()


def test_the_formats_own_package_reads_what_is_written() -> None:
    loaded = load(written(TENSORS, {"title": "ü"}))
    assert loaded.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert same_bits(loaded[name], tensor), name


def test_what_the_package_writes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file(TENSORS, path, {"title": "ü"})
    with ContainerReader(path) as reader:
        assert reader.metadata == {"title": "ü"}
        assert all(same_bits(reader.tensor(name), tensor) for name, tensor in TENSORS.items())


def test_a_tensor_without_elements_keeps_its_shape(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(written({"nothing": torch.empty(0, 4)}, {}))
    with ContainerReader(path) as reader:
        assert reader.tensor("nothing").shape == (0, 4)


def test_bytes_depend_on_content_alone() -> None:
    backwards = dict(reversed(TENSORS.items()))
    assert written(TENSORS, {"a": "1", "b": "2"}) == written(backwards, {"a": "1", "b": "2"})


def test_tensors_are_aligned() -> None:
    content = written(TENSORS, {})
    length = int.from_bytes(content[:8], "little")
    assert length % 8 == 0
    for name, entry in json.loads(content[8 : 8 + length]).items():
        assert entry["data_offsets"][0] % TENSORS[name].dtype.itemsize == 0


def test_a_closed_reader_leaves_the_tensor_alive_and_the_file_free(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(written(TENSORS, {}))
    with ContainerReader(path) as reader:
        tensor = reader.tensor("wide")
    path.write_bytes(b"overwritten")
    assert tensor.tolist() == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content[:40],
        lambda content: b"",
        lambda content: b"PK\x03\x04" + content,
        lambda content: content[:8] + b"[" + content[9:],
        lambda content: content.replace(b'"shape":[4]', b'"shape":[5]'),
        lambda content: content.replace(b'"F64"', b'"X64"'),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "broken.safetensors"
    path.write_bytes(damage(written(TENSORS, {})))
    with pytest.raises(FileFormatError, match=r"broken\.safetensors"), ContainerReader(path) as reader:
        for name in reader.tensors:
            reader.tensor(name)


def test_a_header_that_is_nested_without_end_is_damaged(tmp_path: Path) -> None:
    header = b"[" * 100_000
    (tmp_path / "deep.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(FileFormatError, match="damaged"), ContainerReader(tmp_path / "deep.safetensors"):
        pass


def test_a_tensor_other_than_announced_is_refused() -> None:
    with pytest.raises(ValueError, match="announced"):
        write_container(io.BytesIO(), {"a": TensorSpec(torch.float16, (2,))}, lambda name: torch.zeros(2), {})
