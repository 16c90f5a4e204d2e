from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lora_trainer.config import DataOptions
from lora_trainer.data import pixels
from lora_trainer.data.buckets import Buckets

sides = st.integers(1, 3000)


@given(sides, sides, st.floats(0, 1), st.floats(0, 1))
def test_the_crop_lies_inside_the_scaled_picture_which_fits_on_one_side(height, width, y, x):
    bucket = Buckets.from_options(DataOptions(resolution=512)).choose((height, width))
    scaled = pixels.scaled_size((height, width), bucket)
    assert scaled[0] >= bucket[0] and scaled[1] >= bucket[1]
    assert scaled[0] == bucket[0] or scaled[1] == bucket[1]
    top, left = pixels.crop_corner(scaled, bucket, (y, x))
    assert 0 <= top <= scaled[0] - bucket[0] and 0 <= left <= scaled[1] - bucket[1]


def test_the_tensor_runs_from_minus_one_to_one_in_rgb_order():
    image = Image.new("RGB", (4, 2), (255, 0, 51))
    tensor = pixels.to_tensor(image)
    assert tensor.shape == (3, 2, 4) and tensor.dtype == torch.float32
    assert tensor[:, 0, 0].tolist() == pytest.approx([1.0, -1.0, -0.6])


def test_a_flipped_cut_is_the_mirror_image_of_the_cut():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8))
    plain = pixels.to_tensor(pixels.cut(image, (10, 30), (64, 128), False))
    mirrored = pixels.to_tensor(pixels.cut(image, (10, 30), (64, 128), True))
    assert plain.shape == (3, 64, 128)
    assert torch.equal(mirrored, plain.flip(-1))
    assert torch.equal(plain, pixels.to_tensor(image)[:, 10:74, 30:158])


def test_scaling_down_averages_instead_of_skipping_pixels():
    stripes = np.zeros((256, 256, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    small = np.asarray(pixels.scale(Image.fromarray(stripes), (32, 32)))
    assert abs(small.astype(int) - 127).max() < 30
