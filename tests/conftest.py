"""Shared by all tests: one thread for each worker, and nothing fetched."""

import gc
import os

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_runtest_setup():
    """What is there before a test is there for good: a run that frees memory has only its own objects looked through.

    Otherwise each of them would cost the quarter of a second that imports and earlier tests make it.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def random_sd1(tmp_path_factory):
    """A base of SD1's topology with random weights, as a file."""
    from lora_trainer.pocket.random_bases import random_checkpoint

    return random_checkpoint("sd1", tmp_path_factory.mktemp("bases") / "random-sd1.safetensors")


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """A folder of four pictures with captions."""
    from .runs import draw_pictures

    return draw_pictures(tmp_path_factory.mktemp("pictures") / "zorb")


@pytest.fixture
def quick(random_sd1, pictures, tmp_path):
    """Makes the options of a quick run into `tmp_path`."""
    from .runs import values

    return lambda **more: values(random_sd1, pictures, tmp_path, **more)
