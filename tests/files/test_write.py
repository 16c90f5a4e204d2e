from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load

from lora_trainer.errors import FileFormatError, TrainingError
from lora_trainer.files import write
from lora_trainer.files.container import ContainerReader
from lora_trainer.files.lora import LoraModule
from lora_trainer.files.read import read_lora
from lora_trainer.files.write import write_lora

from .samples import QUERY, linear


@pytest.mark.parametrize(
    ("dtype", "bits"), [("fp32", torch.float32), ("bf16", torch.bfloat16), ("fp16", torch.float16)]
)
def test_a_lora_comes_back_as_it_was_written(
    tmp_path: Path, modules: dict[str, LoraModule], dtype: str, bits: torch.dtype
) -> None:
    written = write_lora(tmp_path / "猫 v1.safetensors", modules, {"ss_v2": "False"}, dtype)
    found = read_lora(written.path)
    assert found.modules.keys() == modules.keys()
    for name, module in modules.items():
        assert torch.equal(found.modules[name].down, module.down.to(bits))
        assert torch.equal(found.modules[name].up, module.up.to(bits))
        assert found.modules[name].alpha == module.alpha
    assert written.sha256 == hashlib.sha256(written.path.read_bytes()).hexdigest()
    assert written.size == written.path.stat().st_size


def test_the_keys_are_kohyas(tmp_path: Path) -> None:
    path = write_lora(tmp_path / "a.safetensors", {QUERY: linear(rank=4, alpha=8)}, {}).path
    tensors = load(path.read_bytes())
    assert {name: tuple(tensor.shape) for name, tensor in tensors.items()} == {
        f"{QUERY}.lora_down.weight": (4, 12),
        f"{QUERY}.lora_up.weight": (10, 4),
        f"{QUERY}.alpha": (),
    }
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}


def test_equal_weights_give_equal_bytes(tmp_path: Path, modules: dict[str, LoraModule]) -> None:
    first = write_lora(tmp_path / "1" / "cat.safetensors", modules, {"b": "1", "a": "2"})
    again = write_lora(tmp_path / "2" / "cat.safetensors", dict(reversed(modules.items())), {"a": "2", "b": "1"})
    assert first.sha256 == again.sha256


def test_the_output_name_is_the_files_stem(tmp_path: Path, modules: dict[str, LoraModule]) -> None:
    path = write_lora(tmp_path / "cat-step000100.safetensors", modules, {"ss_output_name": "cat"}).path
    assert read_lora(path).metadata["ss_output_name"] == "cat-step000100"


@pytest.mark.parametrize("many", [1, 9000], ids=["small", "window inside the tensors"])
def test_the_hashes_inside_are_those_of_the_file(tmp_path: Path, many: int) -> None:
    modules = {"lora_unet_a": linear(rank=8, inputs=8 * many), "lora_unet_b": linear(rank=8, inputs=8 * many)}
    stale = {"sshs_model_hash": "0123", "modelspec.hash_sha256": "0x0123"}
    content = write_lora(tmp_path / "a.safetensors", modules, stale).path.read_bytes()
    header = int.from_bytes(content[:8], "little") + 8
    metadata = json.loads(content[8:header])["__metadata__"]
    assert metadata["sshs_model_hash"] == hashlib.sha256(content[header:]).hexdigest()
    assert metadata["sshs_legacy_hash"] == hashlib.sha256(content[0x100000:0x110000]).hexdigest()[:8]
    assert "modelspec.hash_sha256" not in metadata


def test_the_legacy_hash_holds_when_its_window_lies_in_the_header(tmp_path: Path) -> None:
    metadata = {"ss_tag_frequency": json.dumps({str(number): number for number in range(100_000)})}
    content = write_lora(tmp_path / "a.safetensors", {QUERY: linear()}, metadata).path.read_bytes()
    expected = hashlib.sha256(content[0x100000:0x110000]).hexdigest()[:8]
    assert f'"sshs_legacy_hash":"{expected}"'.encode() in content[:300]


def test_an_alpha_that_the_dtype_would_round_stays_exact(tmp_path: Path) -> None:
    alpha = 8 * 32**0.5
    path = write_lora(tmp_path / "a.safetensors", {QUERY: linear(alpha=alpha)}, {}, "bf16").path
    assert read_lora(path).modules[QUERY].alpha == pytest.approx(alpha, rel=1e-7)


def test_a_value_beyond_fp16_is_an_error_and_no_file(tmp_path: Path) -> None:
    module = linear()
    module.up[0, 0] = 7e4
    with pytest.raises(TrainingError, match=r"lora_up\.weight' reaches 7e\+04.*save\.dtype to bf16"):
        write_lora(tmp_path / "a.safetensors", {QUERY: module}, {}, "fp16")
    assert not list(tmp_path.iterdir())
    write_lora(tmp_path / "a.safetensors", {QUERY: module}, {}, "bf16")


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_do_not_replace_a_good_file(tmp_path: Path, bad: float) -> None:
    path = tmp_path / "a.safetensors"
    good = write_lora(path, {QUERY: linear()}, {})
    module = linear()
    module.down[0, 0] = bad
    with pytest.raises(TrainingError, match="no numbers"):
        write_lora(path, {QUERY: module}, {}, "fp32")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == good.sha256


def test_a_disk_that_fills_up_in_the_middle_spares_the_earlier_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.safetensors"
    earlier = write_lora(path, {QUERY: linear(1)}, {})

    def full(file, specs, tensor_of, metadata):  # type: ignore[no-untyped-def]
        file.write(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(write, "write_container", full)
    with pytest.raises(TrainingError, match="disk is full"):
        write_lora(path, {QUERY: linear(2)}, {})
    assert hashlib.sha256(path.read_bytes()).hexdigest() == earlier.sha256
    assert list(tmp_path.iterdir()) == [path]


def test_a_process_killed_while_writing_leaves_the_earlier_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.safetensors"
    earlier = write_lora(path, {QUERY: linear(1)}, {})
    child = os.fork() if hasattr(os, "fork") else pytest.skip("needs fork")
    if child == 0:
        # As if killed: no handler runs, no buffer is flushed.
        monkeypatch.setattr(write, "stamp", lambda file, data_start: os._exit(9))
        write_lora(path, {QUERY: linear(2)}, {})
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert hashlib.sha256(path.read_bytes()).hexdigest() == earlier.sha256
    leftovers = [entry.name for entry in tmp_path.iterdir() if entry != path]
    assert len(leftovers) == 1
    assert leftovers[0].endswith(".partial")


def test_a_file_that_reads_back_changed_is_not_reported_as_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.safetensors"
    earlier = write_lora(path, {QUERY: linear(1)}, {})
    honest = ContainerReader.tensor
    monkeypatch.setattr(ContainerReader, "tensor", lambda self, name: honest(self, name) + 1)
    with pytest.raises(FileFormatError, match="read back changed"):
        write_lora(path, {QUERY: linear(2)}, {})
    assert hashlib.sha256(path.read_bytes()).hexdigest() == earlier.sha256


def test_metadata_that_are_no_strings_are_a_programming_error(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="ss_steps"):
        write_lora(tmp_path / "a.safetensors", {QUERY: linear()}, {"ss_steps": 100})  # type: ignore[dict-item]
