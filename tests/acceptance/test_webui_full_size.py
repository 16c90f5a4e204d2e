"""A base of full size is trained where it is, and at once.

Needs WEBUI_URL, as test_webui_custody.py says, with a base called random-sd15 of about 4 GB, as
`random_checkpoint("sd1", "random-sd15.safetensors", channels=320, text="real")` of lora_trainer.pocket.random_bases
makes it.
"""

import pytest

from tests.acceptance.webui import MARKS, HostRun, bases, picture, select

pytestmark = MARKS

BASE = "random-sd15"
MODEL = 4 * 1066 * 2**20
"""Bytes of SD1.5 in fp32."""


@pytest.fixture
def full_size():
    if BASE not in bases():
        pytest.skip(f"the host has no base called {BASE}")
    select(BASE)
    picture(steps=1)
    yield
    select("pocket")


def test_a_full_size_sd15_is_trained_without_a_second_copy(full_size, pictures, tmp_path, capsys):
    run = HostRun(pictures, tmp_path, steps=2, network__rank=8)
    assert run.finish()["kind"] == "finished", (run.seen[-1], run.raised)
    started = next(event for event in run.seen if event["kind"] == "started")
    first, second = (event for event in run.seen if event["kind"] == "step")
    own = 4 * 4 * started["trainable_parameters"]  # adapters, gradients, and the optimizer's two moments, in fp32
    encoding = sum(b["cpu"] - a["cpu"] for a, b in zip(run.seen, run.seen[1:]) if b.get("phase") == "encoding pictures")
    step = second["cpu"] - first["cpu"]
    with capsys.disabled():
        for name, event in (("before", started), ("after", first)):
            print(f"\n{name} the first step: {event['grown'] / 2**20:.0f} MiB, {event['cpu']:.2f} CPU-s", end="")
        print(f"; own {own / 2**20:.0f} MiB; encoding {encoding:.2f} CPU-s, a step {step:.2f} CPU-s")
    assert started["base_name"] == BASE and started["trainable_parameters"] > 2e6
    assert started["grown"] < 0.05 * MODEL + own
    assert first["cpu"] < 2.0 + encoding + step
