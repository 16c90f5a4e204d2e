from __future__ import annotations

import pytest
import torch
from PIL import Image

from lora_trainer.config import Folder
from lora_trainer.data.cache import DiskStore, MemoryStore
from lora_trainer.data.loader import Loader
from lora_trainer.data.plan import RunPlan, Variant
from lora_trainer.data.scan import scan
from lora_trainer.errors import DataError

from .drawing import BLUE, draw, options


class Vae:
    """A stand-in for the VAE: mean colours of 8 x 8 squares and a channel of ones; counts what it encodes."""

    def __init__(self):
        self.shapes = []

    def __call__(self, pixels):
        self.shapes.append(tuple(pixels.shape))
        means = torch.nn.functional.avg_pool2d(pixels, 8)
        return torch.cat([means, torch.ones_like(means[:, :1])], 1)


@pytest.fixture
def folder(tmp_path):
    for number in range(4):
        draw(tmp_path / "pictures" / f"{number}.png", (96, 96), (200, 40 * number, 20), f"square {number}")
    for number in range(3):
        draw(tmp_path / "pictures" / f"wide {number}.png", (64, 200), (90, 40 * number, 20), f"wide {number}")
    return tmp_path / "pictures"


def loader(data, store=None, vae=None, identity="vae", **values):
    plan = RunPlan(scan(data).pictures, data, **{"seed": 1, "epochs": 2, "steps": 0, "accumulation": 1, **values})
    return Loader(plan, MemoryStore() if store is None else store, vae or Vae(), vae=identity)


def prepared(data, **values):
    made = loader(data, **values)
    list(made.prepare(made.plan.all_variants(), batch_size=4))
    return made


def test_batches_carry_what_the_plan_says(folder):
    made = prepared(options(folder, resolution=128, batch_size=2))
    for step in range(made.plan.total_steps):
        batch, planned = made.batch(step), made.plan.batch(step)
        count, (height, width) = len(planned.items), planned.bucket
        assert batch.latents.shape == (count, 4, height // 8, width // 8) and batch.latents.dtype == torch.float32
        assert batch.captions == tuple(item.caption for item in planned.items)
        assert batch.pictures == tuple(item.picture for item in planned.items)
        assert batch.weights.tolist() == [1.0] * count and batch.mask is None
        assert [size.target for size in batch.sizes] == [planned.bucket] * count


def halved(folder, name="0-mask.png"):
    """A mask that keeps the left half, at another size than its picture."""
    mask = Image.new("L", (48, 48), 0)
    mask.paste(255, (0, 0, 24, 48))
    mask.save(folder / name)


def test_a_mask_beside_a_picture_weighs_its_places_and_is_mirrored_with_it(folder):
    halved(folder)
    made = prepared(options(folder, masks=True, flip=True, batch_size=2))
    for step in range(made.plan.total_steps):
        batch, planned = made.batch(step), made.plan.batch(step)
        masked = [made.plan.pictures[item.picture].mask is not None for item in planned.items]
        assert (batch.mask is not None) == any(masked)
        for row, item in enumerate(planned.items if any(masked) else ()):
            left, right = batch.mask[row, 0, :, :4], batch.mask[row, 0, :, 4:]
            kept, dropped = (right, left) if item.variant.flip else (left, right)
            assert kept.mean() > 0.95 and (dropped.mean() < 0.05 if masked[row] else dropped.mean() == 1)


def test_transparency_is_a_mask_where_there_is_no_other(tmp_path):
    image = Image.new("RGBA", (64, 64), (*BLUE, 255))
    image.paste((*BLUE, 0), (0, 0, 64, 32))
    image.save(tmp_path / "cut out.png")
    (mask,) = prepared(options(tmp_path, masks=True)).batch(0).mask
    assert mask[0, :4].max() == 0 and mask[0, 4:].min() == 1
    assert prepared(options(tmp_path)).batch(0).mask is None


def test_a_mask_that_cannot_be_read_stops_the_run_before_its_first_step(folder):
    (folder / "0-mask.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"0-mask\.png.*data\.masks"):
        prepared(options(folder, masks=True))


def test_latents_are_those_of_the_picture_wherever_it_stands_in_a_batch(folder):
    data = options(folder, resolution=128, batch_size=3, flip=True, crop="random")
    made = prepared(data, epochs=8)
    for step in range(made.plan.total_steps):
        for item, latents in zip(made.plan.batch(step).items, made.batch(step).latents):
            assert torch.equal(latents, Vae()(made.read(item.variant)[None])[0])


def test_pictures_are_encoded_once_and_together_by_size(folder):
    vae = Vae()
    made = loader(options(folder, resolution=128), vae=vae)
    assert list(made.prepare(made.plan.all_variants(), batch_size=4))[-1] == (7, 7)
    assert vae.shapes == [(3, 3, 64, 192), (4, 3, 128, 128)]
    for step in range(made.plan.total_steps):
        made.batch(step)
    assert len(vae.shapes) == 2


def test_weights_are_those_of_the_folder_and_of_regularization(tmp_path):
    draw(tmp_path / "mine" / "a.png")
    draw(tmp_path / "class" / "b.png", colour=(0, 90, 0))
    folders = [Folder(str(tmp_path / "mine"), weight=0.5), Folder(str(tmp_path / "class"), 0, 2.0, "", True)]
    made = prepared(options(*folders, prior_weight=0.25, batch_size=2))
    assert dict(zip(made.batch(0).pictures, made.batch(0).weights.tolist())) == {0: 0.5, 1: 0.5}
    made.plan.data.prior_weight = 1.0
    assert dict(zip(made.batch(0).pictures, made.batch(0).weights.tolist())) == {0: 0.5, 1: 2.0}


def test_flipping_mirrors_pixels_and_the_crop_corner(folder):
    made = loader(options(folder, resolution=128, crop="random"))
    wide = next(index for index, picture in enumerate(made.plan.pictures) if picture.name.startswith("wide"))
    plain, mirrored = Variant(wide, 1, False), Variant(wide, 1, True)
    assert torch.equal(made.read(mirrored), made.read(plain).flip(-1))
    slack = 200 - 192
    (top, left), (same_top, right) = made.size(plain).crop, made.size(mirrored).crop
    assert (top, same_top) == (0, 0) and left + right == slack and left != right
    assert made.size(plain).original == (64, 200) and made.size(plain).target == (64, 192)


def test_the_corner_says_what_was_cut(tmp_path):
    """Left half blue: the more is cut at the left, the less blue remains."""
    draw(tmp_path / "a.png", (64, 128))
    made = loader(options(tmp_path, buckets=False, crop="random"))
    lefts = set()
    for crop in range(4):
        variant = Variant(0, crop, False)
        left = made.size(variant).crop[1]
        blue = (made.read(variant)[:, 4] == torch.tensor(BLUE)[:, None] / 127.5 - 1).all(0).sum().item()
        assert blue == 64 - left
        lefts.add(left)
    assert 32 in lefts and len(lefts) == 4


def test_a_renamed_picture_is_found_in_the_cache_and_an_edited_one_is_not(folder, tmp_path):
    store = DiskStore(tmp_path / "cache")
    prepared(options(folder, resolution=128), store=store)
    (folder / "0.png").rename(folder / "renamed.png")
    vae = Vae()
    prepared(options(folder, resolution=128), store=store, vae=vae)
    assert vae.shapes == []
    draw(folder / "1.png", colour=(1, 2, 3))
    prepared(options(folder, resolution=128), store=store, vae=vae)
    assert [shape[0] for shape in vae.shapes] == [1]


def test_cached_latents_do_not_keep_their_whole_batch_alive(folder):
    store = MemoryStore()
    made = prepared(options(folder), store=store)
    latents = store.get(made.key(made.plan.all_variants()[0]))["latents"]
    assert latents.untyped_storage().nbytes() == latents.numel() * 4


@pytest.mark.parametrize(
    "change", [{"identity": "other vae"}, {"resolution": 64}, {"flip": True}, {"buckets": False, "crop": "random"}]
)
def test_another_vae_size_flip_or_crop_is_encoded_anew(folder, change):
    store, vae = MemoryStore(), Vae()
    prepared(options(folder, resolution=128), store=store)
    identity = change.pop("identity", "vae")
    prepared(options(folder, **{"resolution": 128, **change}), store=store, vae=vae, identity=identity, epochs=20)
    assert sum(shape[0] for shape in vae.shapes) >= 3


def test_latents_that_are_no_numbers_name_the_picture(folder):
    def vae(pixels):
        latents = Vae()(pixels)
        latents[pixels.mean((1, 2, 3)) > 0.5] = float("nan")
        return latents

    draw(folder / "white.png", colour=(255, 255, 255))
    made = loader(options(folder), vae=vae)
    with pytest.raises(DataError, match=r"white\.png' encodes to values that are no numbers"):
        list(made.prepare(made.plan.all_variants(), batch_size=8))


def test_a_picture_that_vanishes_before_it_is_encoded_stops_with_its_name(folder):
    made = loader(options(folder))
    (folder / "2.png").unlink()
    with pytest.raises(DataError, match=r"2\.png' is not there any more.*put it back"):
        list(made.prepare(made.plan.all_variants()))


def test_a_picture_that_changes_before_it_is_encoded_stops_with_its_name(folder):
    made = loader(options(folder))
    draw(folder / "2.png", colour=(9, 9, 9))
    with pytest.raises(DataError, match=r"2\.png' was changed"):
        list(made.prepare(made.plan.all_variants()))


def test_once_encoded_the_pictures_are_not_needed(folder):
    made = prepared(options(folder))
    for path in folder.iterdir():
        path.unlink()
    assert sum(len(made.batch(step).captions) for step in range(7)) == 7


def test_an_entry_lost_while_training_is_made_anew_or_said_to_be_lost(folder, tmp_path):
    made = prepared(options(folder), store=DiskStore(tmp_path / "cache"))
    before = made.batch(0).latents
    for path in (tmp_path / "cache").rglob("*.safetensors"):
        path.write_bytes(b"damaged")
    assert torch.equal(made.batch(0).latents, before)
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(DataError, match="not there any more"):
        for step in range(made.plan.total_steps):
            made.batch(step)


def test_validation_batches_are_fixed_and_apart_from_training(folder):
    made = prepared(options(folder, validation_share=0.4, flip=True, batch_size=2))
    once, twice = list(made.validation()), list(made.validation())
    held = {index for batch in once for index in batch.pictures}
    assert held == made.plan.held_back and held
    assert all(torch.equal(one.latents, other.latents) for one, other in zip(once, twice))
    assert not held & {index for step in range(made.plan.total_steps) for index in made.batch(step).pictures}
