"""The words of a command line that trains for a moment."""

import pytest


@pytest.fixture
def training(random_sd1, pictures, tmp_path):
    words = ["train", "--base", random_sd1, "--data", pictures, "--name", "zorb", "--output", tmp_path, "--steps", 1]
    words += ["--set", "data.resolution=64", "--set", "network.rank=2", "--set", "samples.steps=2", "--json"]
    return [str(word) for word in words]
