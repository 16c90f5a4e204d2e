from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_trainer.config import DataOptions
from lora_trainer.data.buckets import Buckets
from lora_trainer.errors import DataError

sides = st.integers(1, 6000)
rules = st.builds(
    DataOptions,
    resolution=st.sampled_from([64, 100, 128, 256, 512, 720, 768, 1024]),
    bucket_step=st.sampled_from([8, 32, 64, 128]),
    bucket_least=st.sampled_from([64, 256, 512]),
    bucket_most=st.sampled_from([64, 512, 2048]),
    buckets=st.booleans(),
)


@given(rules, sides, sides)
def test_every_picture_gets_a_bucket_within_the_area_in_whole_steps(data, height, width):
    rule = Buckets.from_options(data)
    bucket = rule.choose((height, width))
    assert bucket[0] * bucket[1] <= data.resolution**2
    assert all(side % 8 == 0 and side % rule.step == 0 and rule.least <= side <= rule.most for side in bucket)


@given(rules, sides, sides)
def test_without_upscaling_the_bucket_lies_inside_the_picture_and_the_area(data, height, width):
    data.upscale = False
    rule = Buckets.from_options(data)
    if min(height, width) < rule.least:
        with pytest.raises(DataError, match=f"{width} x {height}"):
            rule.choose((height, width))
        return
    bucket = rule.choose((height, width))
    assert bucket[0] <= height and bucket[1] <= width
    assert bucket[0] * bucket[1] <= data.resolution**2
    assert all(side % rule.step == 0 and side >= rule.least for side in bucket)


@given(rules, sides, sides, st.booleans())
def test_turning_a_picture_turns_its_bucket(data, height, width, upscale):
    data.upscale = upscale
    rule = Buckets.from_options(data)
    try:
        bucket = rule.choose((height, width))
    except DataError:
        return
    assert rule.choose((width, height)) == (bucket if height == width else bucket[::-1])


def test_sd15_buckets_are_the_known_ones():
    sizes = Buckets.from_options(DataOptions(resolution=512)).sizes()
    assert (512, 512) in sizes and (768, 320) in sizes and (640, 384) in sizes and (1024, 256) in sizes
    assert all(min(size) >= 256 and max(size) <= 1024 for size in sizes)


@pytest.mark.parametrize(
    ("resolution", "size", "bucket"),
    [
        (512, (3000, 2000), (640, 384)),
        (512, (2000, 3000), (384, 640)),
        (512, (1000, 1001), (512, 512)),
        (1024, (1080, 1920), (768, 1344)),
        (64, (480, 640), (64, 64)),
        (128, (480, 2000), (64, 256)),
    ],
)
def test_a_picture_goes_to_the_bucket_nearest_in_shape(resolution, size, bucket):
    assert Buckets.from_options(DataOptions(resolution=resolution)).choose(size) == bucket


def test_a_small_resolution_still_has_oblong_buckets():
    assert Buckets.from_options(DataOptions(resolution=128)).sizes() == [
        (64, 192),
        (64, 256),
        (128, 128),
        (192, 64),
        (256, 64),
    ]
    assert Buckets.from_options(DataOptions(resolution=64)).sizes() == [(64, 64)]


def test_without_buckets_there_is_one_square():
    rule = Buckets.from_options(DataOptions(resolution=500, buckets=False))
    assert rule.choose((100, 4000)) == (496, 496)


def test_without_upscaling_a_small_picture_keeps_its_size_rounded_down():
    rule = Buckets.from_options(DataOptions(resolution=1024, upscale=False))
    assert rule.choose((400, 700)) == (384, 640)
    assert rule.choose((4000, 3000)) == (1152, 832)
