"""A run that is killed at any moment, and resumed, ends bit-identical to one that never was."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lora_trainer.files.read import read_lora
from tests.runs import same_weights

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL"),
]
ROOT = Path(__file__).parent.parent.parent
STEPS, SAVE_EVERY, KILLS = 24, 3, 12


def command(base, pictures, output):
    """A run with everything random in it: dropout, flips, caption dropout."""
    changes = [
        "data.resolution=64",
        "network.rank=2",
        f"save.every={SAVE_EVERY}",
        "samples.every=1000",
        "save.dtype=fp32",
    ]
    changes += ["network.dropout=0.1", "data.flip=true", "data.caption_dropout=0.2", "validation_every=6"]
    words = [sys.executable, "-m", "lora_trainer", "train", "--base", base, "--data", pictures, "--name", "zorb"]
    words += [
        "--output",
        output,
        "--steps",
        STEPS,
        "--json",
        *(word for change in changes for word in ("--set", change)),
    ]
    return list(map(str, words))


def finish(words):
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=600)


def seconds_of(words):
    begin = time.perf_counter()
    done = finish(words)
    assert done.returncode == 0, done.stdout + done.stderr
    return time.perf_counter() - begin


def test_killed_at_random_moments_it_ends_as_if_nothing_had_been(random_sd1, pictures, tmp_path):
    # The shorter of two: the first one may have to wait for the disk, and kills that come too late prove nothing.
    whole_seconds = min(seconds_of(command(random_sd1, pictures, tmp_path / name)) for name in ("first", "whole"))
    words, chance, kills = command(random_sd1, pictures, tmp_path / "killed"), random.Random(3), 0
    for _ in range(KILLS):
        process = subprocess.Popen([*words, "--resume"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=chance.uniform(0.3, 0.9) * whole_seconds)
            break
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
        for file in (tmp_path / "killed").glob("*.safetensors"):
            read_lora(file)  # raises for half a file
    assert kills >= 3
    assert finish([*words, "--resume"]).returncode == 0
    names = sorted(path.name for path in (tmp_path / "whole").glob("*.safetensors"))
    assert names == sorted(path.name for path in (tmp_path / "killed").glob("*.safetensors"))
    assert len(names) == STEPS // SAVE_EVERY
    for name in names:
        assert same_weights(tmp_path / "whole" / name, tmp_path / "killed" / name), name
