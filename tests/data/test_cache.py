from __future__ import annotations

import errno
from pathlib import Path

import pytest
import torch

from lora_trainer.data.cache import DiskStore, MemoryStore, content_key, fill, open_store
from lora_trainer.errors import DataError, DiskError
from lora_trainer.files import atomic

from .drawing import options

KEY = content_key("test", number=1)


def entry(value=1.0):
    return {"latents": torch.full((4, 2, 2), value), "ids": torch.tensor([3, 4])}


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(params=["ram", "disk"])
def store(request, tmp_path):
    return open_store(options(cache=request.param), tmp_path / "cache")


def test_an_entry_comes_back_as_it_was_put(store):
    assert store.get(KEY) is None and not store.has(KEY)
    store.put(KEY, entry(0.1))
    assert store.has(KEY) and equal(store.get(KEY), entry(0.1))


def test_a_key_depends_on_every_part():
    keys = {content_key("a", x=1, y=2), content_key("b", x=1, y=2), content_key("a", x=2, y=2), content_key("a", x=1)}
    assert len(keys) == 4
    assert content_key("a", y=2, x=(1, 2)) == content_key("a", x=(1, 2), y=2)


def test_memory_is_kept_where_the_hook_says():
    kept = MemoryStore(lambda tensor: tensor * 2)
    kept.put(KEY, entry(1.0))
    assert kept.get(KEY)["latents"].unique().tolist() == [2.0]
    kept.drop([KEY, "unknown"])
    assert not kept.has(KEY)


def files(folder):
    return [path for path in Path(folder).rglob("*") if path.is_file()]


def test_a_second_store_finds_what_the_first_wrote(tmp_path):
    DiskStore(tmp_path).put(KEY, entry())
    assert equal(DiskStore(tmp_path).get(KEY), entry())
    assert [path.suffix for path in files(tmp_path)] == [".safetensors"]


def test_half_precision_on_disk_is_smaller_and_comes_back_as_fp32(tmp_path):
    big = {"latents": torch.randn(4, 64, 64, generator=torch.Generator().manual_seed(0))}
    for name, dtype in (("half", torch.float16), ("full", torch.float32)):
        DiskStore(tmp_path / name, dtype).put(KEY, big)
    half = DiskStore(tmp_path / "half", torch.float16).get(KEY)["latents"]
    assert half.dtype == torch.float32 and torch.allclose(half, big["latents"], rtol=1e-3, atol=1e-6)
    assert files(tmp_path / "half")[0].stat().st_size < 0.6 * files(tmp_path / "full")[0].stat().st_size


def test_values_beyond_half_precision_are_kept_in_full(tmp_path):
    half = DiskStore(tmp_path, torch.float16)
    half.put(KEY, entry(1e6))
    assert equal(half.get(KEY), entry(1e6))


@pytest.mark.parametrize("damage", [b"", b"\xff" * 9, b"half"])
def test_a_damaged_file_counts_as_missing_and_is_made_anew(tmp_path, damage):
    disk = DiskStore(tmp_path)
    disk.put(KEY, entry())
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:-10] if damage == b"half" else damage)
    assert disk.get(KEY) is None and not disk.has(KEY)
    list(fill(disk, [(KEY, 7)], lambda items: [entry(float(item)) for item in items]))
    assert equal(disk.get(KEY), entry(7.0))


def test_a_write_that_fails_leaves_nothing_behind_and_says_so(tmp_path, monkeypatch):
    def full(self, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(DiskError, match=r"disk is full.*data\.cache_folder"):
        DiskStore(tmp_path).put(KEY, entry())
    assert files(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match=r"data\.cache_folder.*cannot be written"):
        DiskStore(tmp_path / "file").put(KEY, entry())


def test_an_entry_that_another_run_holds_open_is_left_to_it(tmp_path, monkeypatch):
    disk = DiskStore(tmp_path)
    disk.put(KEY, entry(1.0))

    windows_holds(monkeypatch, next(disk.folder.rglob("*.safetensors")))
    disk.put(KEY, entry(2.0))
    assert equal(disk.get(KEY), entry(1.0)) and len(files(tmp_path)) == 1


def windows_holds(monkeypatch, path):
    """Let replacing `path` fail as on Windows while a program has it open."""
    replace = Path.replace

    def windows_replace(self, target):
        if target == path:
            raise PermissionError(errno.EACCES, "in use")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", windows_replace)
    monkeypatch.setattr(atomic, "REPLACE_WAITS", ())


def test_filling_makes_only_what_is_missing_in_batches_of_one_group(store):
    calls = []

    def make(items):
        calls.append(items)
        return [entry(float(item)) for item in items]

    store.put("key 3", entry(3.0))
    wanted = [(f"key {number}", number) for number in (0, 1, 2, 3, 4, 5, 6, 2)]
    progress = list(fill(store, wanted, make, batch_size=2, group=lambda item: item % 2))
    assert calls == [[0, 2], [4, 6], [1, 5]]
    assert progress == [(1, 7), (3, 7), (5, 7), (7, 7)]
    assert all(store.get(key)["latents"][0, 0, 0] == number for key, number in wanted)
    assert list(fill(store, wanted, make)) == [(7, 7)] and len(calls) == 3


def test_what_will_be_made_is_announced_in_its_order():
    announced, made = [], []

    def make(items):
        assert announced
        made.extend(items)
        return [entry() for _ in items]

    wanted = [(str(number), number) for number in (1, 2, 3, 4)]
    list(fill(MemoryStore(), wanted, make, group=lambda item: item % 2, announce=announced.extend))
    assert announced == made == [1, 3, 2, 4]
