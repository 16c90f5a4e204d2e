import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, safe_open, save_file

from lora_trainer.checkpoints import TensorInfo, mapping, open_checkpoint, write_checkpoint
from lora_trainer.errors import BaseModelError

TENSORS = {
    "fp32": torch.randn(3, 5),
    "half": torch.randn(7).half(),
    "bf16": torch.randn(2, 2, 2).bfloat16(),
    "fp8": torch.randn(5).to(torch.float8_e4m3fn),
    "scalar": torch.tensor(2.5),
    "empty": torch.zeros(0, 4),
    "bools": torch.tensor([True, False, True]),
    "numbers": torch.arange(77)[None],
}


def same(found, wanted):
    """Bit for bit, for float8 too."""
    return found.dtype == wanted.dtype and found.shape == wanted.shape and raw(found) == raw(wanted)


def raw(tensor):
    return tensor.reshape(-1).view(torch.uint8).tolist() if tensor.numel() else []


def test_a_safetensors_file_is_read_as_its_own_library_reads_it(tmp_path):
    path = tmp_path / "base.v1.safetensors"
    save_file(TENSORS, path, metadata={"modelspec.prediction_type": "v"})
    with open_checkpoint(path) as checkpoint:
        assert set(checkpoint.keys()) == set(TENSORS)
        assert all(same(checkpoint.tensor(key), tensor) for key, tensor in TENSORS.items())
        assert {key: checkpoint.shape(key) for key in TENSORS} == {key: tuple(t.shape) for key, t in TENSORS.items()}
        assert {key: checkpoint.dtype(key) for key in TENSORS} == {key: t.dtype for key, t in TENSORS.items()}
        assert checkpoint.metadata == {"modelspec.prediction_type": "v"}
        assert checkpoint.hints.prediction_type == "v_prediction"
        assert checkpoint.name == "base.v1"
        assert checkpoint.sha256() == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_written_file_is_read_back_by_safetensors_own_library(tmp_path):
    path = tmp_path / "merged.safetensors"
    infos = {key: TensorInfo(tuple(tensor.shape), tensor.dtype) for key, tensor in TENSORS.items()}
    asked = []
    write_checkpoint(path, infos, lambda key: asked.append(key) or TENSORS[key], {"format": "pt"})
    loaded = load_file(path)
    assert all(same(loaded[key], tensor) for key, tensor in TENSORS.items())
    assert sorted(asked) == sorted(TENSORS)
    with safe_open(path, "pt") as file:
        assert file.metadata() == {"format": "pt"}


def test_a_failed_writing_leaves_what_was_there(tmp_path):
    path = tmp_path / "merged.safetensors"
    path.write_bytes(b"before")
    with pytest.raises(ValueError, match="announced"):
        write_checkpoint(path, {"a": TensorInfo((2,), torch.float32)}, lambda key: torch.zeros(3))
    assert path.read_bytes() == b"before"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_tensors_are_the_files_own_pages_and_outlive_closing(tmp_path):
    path = tmp_path / "base.safetensors"
    save_file({"a": torch.ones(5000), "b": torch.zeros(3)}, path)
    before = path.read_bytes()
    with open_checkpoint(path) as checkpoint:
        tensor = checkpoint.tensor("a")
        assert tensor.data_ptr() == checkpoint.tensor("a").data_ptr()
    tensor.add_(1)
    assert tensor.unique().tolist() == [2]
    assert path.read_bytes() == before


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="shows mappings on Linux only")
def test_copies_in_another_dtype_leave_nothing_mapped(tmp_path, monkeypatch):
    monkeypatch.setattr(mapping, "WINDOW", 1 << 16)
    path = tmp_path / "base.safetensors"
    tensors = {f"t{i}": torch.full((5000,), float(i)) for i in range(20)}
    save_file(tensors, path)

    def mapped():
        return Path("/proc/self/maps").read_text(encoding="utf-8").count(str(path))

    with open_checkpoint(path) as checkpoint:
        copies = {}
        for key in tensors:
            copies[key] = checkpoint.tensor(key).half()
            assert mapped() == 1
    assert mapped() == 0
    assert all(torch.equal(copies[key], tensor.half()) for key, tensor in tensors.items())


def test_a_part_reads_only_what_is_asked_for(tmp_path):
    path = tmp_path / "base.safetensors"
    save_file({"unet.a": torch.ones(2), "unet.b": torch.zeros(3), "vae.a": torch.ones(1)}, path)
    with open_checkpoint(path) as checkpoint:
        part = checkpoint.part("unet.")
    assert part.shapes == {"a": (2,), "b": (3,)}
    assert list(part) == ["a", "b"]
    assert "vae.a" not in part
    with pytest.raises(ValueError, match="closed"):
        part["a"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", r"base\.safetensors' is not a safetensors file"),
        (b"<html>Not found</html>", r"base\.safetensors' is not a safetensors file"),
        ((9).to_bytes(8, "little") + b"{broken}}", r"The header of '.*base\.safetensors' is damaged"),
        ((32).to_bytes(8, "little") + b'{"a":{"dtype":"X1","shape":[1]}}', r"damaged \('data_offsets'\)"),
    ],
)
def test_a_damaged_file_is_named_with_its_reason(tmp_path, content, sentence):
    path = tmp_path / "base.safetensors"
    path.write_bytes(content)
    with pytest.raises(BaseModelError, match=sentence):
        open_checkpoint(path)


def test_a_cut_off_file_is_told_before_anything_is_read(tmp_path):
    path = tmp_path / "base.safetensors"
    save_file({"a": torch.ones(100)}, path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BaseModelError, match="is cut off"):
        open_checkpoint(path)


@pytest.mark.parametrize("old_format", [False, True])
def test_a_ckpt_is_read_as_plain_weights(tmp_path, old_format):
    path = tmp_path / "base.ckpt"
    content = {"state_dict": {"a": torch.ones(2), "global_step": 3}, "epoch": 1}
    torch.save(content, path, _use_new_zipfile_serialization=not old_format)
    with open_checkpoint(path) as checkpoint:
        assert checkpoint.keys() == ["a"]
        assert checkpoint.tensor("a").tolist() == [1, 1]


class Evil:
    def __reduce__(self):
        return print, ("code was run",)


def test_a_ckpt_that_would_run_code_is_refused(tmp_path, capsys):
    path = tmp_path / "base.ckpt"
    torch.save({"state_dict": {"a": torch.ones(2)}, "callbacks": Evil()}, path)
    with pytest.raises(BaseModelError, match="holds Python objects"):
        open_checkpoint(path)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("content", [b"", b"hello\n", b"<html>Not found</html>", b"PK\x03\x04 half a zip"])
def test_a_ckpt_that_is_none_is_a_sentence(tmp_path, content):
    path = tmp_path / "base.ckpt"
    path.write_bytes(content)
    with pytest.raises(BaseModelError, match="cannot be read as plain weights"):
        open_checkpoint(path)


def test_what_is_not_there_or_not_a_checkpoint_is_told(tmp_path):
    with pytest.raises(BaseModelError, match="There is no checkpoint"):
        open_checkpoint(tmp_path / "none.safetensors")
    (tmp_path / "base.zip").write_bytes(b"")
    with pytest.raises(BaseModelError, match="has to end in one of"):
        open_checkpoint(tmp_path / "base.zip")
    with pytest.raises(BaseModelError, match=r"no diffusers folder.*unet/config\.json"):
        open_checkpoint(tmp_path)


def test_a_yaml_that_cannot_be_read_is_named(tmp_path):
    save_file({"a": torch.ones(1)}, tmp_path / "base.safetensors")
    (tmp_path / "base.yaml").write_text("model: [", encoding="utf-8")
    with pytest.raises(BaseModelError, match=r"base\.yaml cannot be read as YAML"):
        open_checkpoint(tmp_path / "base.safetensors")


def test_a_yaml_of_something_else_says_nothing(tmp_path):
    save_file({"a": torch.ones(1)}, tmp_path / "base.safetensors")
    (tmp_path / "base.yaml").write_text("model: sd15\nsteps: 3\n", encoding="utf-8")
    with open_checkpoint(tmp_path / "base.safetensors") as checkpoint:
        assert checkpoint.hints.prediction_type is None


def test_heads_of_a_text_encoder_come_from_the_folder_that_the_yaml_names(tmp_path):
    save_file({"a": torch.ones(1)}, tmp_path / "base.safetensors")
    encoder = {"target": "ldm.modules.encoders.modules.FrozenCLIPEmbedder", "params": {"version": "C:\\models\\tiny"}}
    yaml = {"model": {"params": {"cond_stage_config": encoder, "unet_config": {"params": {"num_heads": -1}}}}}
    (tmp_path / "base.yaml").write_text(json.dumps(yaml), encoding="utf-8")
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "config.json").write_text('{"num_attention_heads": 4, "hidden_act": "gelu"}', encoding="utf-8")
    with open_checkpoint(tmp_path / "base.safetensors") as checkpoint:
        assert (checkpoint.hints.of_text(0).heads, checkpoint.hints.of_text(0).activation) == (4, "gelu")
        assert checkpoint.hints.heads is None
        assert checkpoint.hints.prediction_type == "epsilon"
