import dataclasses

import pytest
import torch
from PIL import Image

from lora_trainer import __version__
from lora_trainer.sampling.infotext import Infotext, lora_tag, quote, write_png
from lora_trainer.sampling.pictures import to_images
from lora_trainer.sampling.request import Request

REQUEST = Request(
    prompt="a (red:1.2) cat, sitting",
    negative_prompt="blurry",
    seed=42,
    width=512,
    height=768,
    steps=20,
    guidance=7.0,
    sampler="euler_a",
)
CAT = Infotext(
    REQUEST,
    model="v1-5-pruned",
    model_sha256="6ce0161689b3853acaa03779ec93eafe75a02f4ced659bee03f50797806fa2fa",
)


def test_the_infotext_has_the_hosts_words_in_the_hosts_order():
    assert str(CAT) == (
        "a (red:1.2) cat, sitting\n"
        "Negative prompt: blurry\n"
        "Steps: 20, Sampler: Euler a, Schedule type: Automatic, CFG scale: 7, Seed: 42, Size: 512x768, "
        f"Model hash: 6ce0161689, Model: v1-5-pruned, Version: Train LoRA {__version__}"
    )


def test_what_is_as_usual_is_left_out_and_what_is_not_is_told():
    unusual = dataclasses.replace(REQUEST, negative_prompt="", sampler="dpmpp_2m_karras", guidance=4.5, clip_skip=2)
    text = str(
        dataclasses.replace(
            CAT,
            request=unusual,
            zero_terminal_snr=True,
            noise_source="CPU",
            lora_hashes={"my, cat:v2": "0123456789abcdef", "dog": "fedcba9876543210"},
        )
    )
    assert "Negative prompt" not in text
    for part in (
        "Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 4.5",
        "Clip skip: 2, RNG: CPU",
        'Lora hashes: "my catv2: 0123456789ab, dog: fedcba987654"',
        "Noise Schedule: Zero Terminal SNR",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("value", "quoted"),
    [("plain name", "plain name"), ("a, b", '"a, b"'), ("a:b", '"a:b"'), ('say "x", 猫', '"say \\"x\\", 猫"')],
)
def test_values_that_hold_separators_are_quoted(value, quoted):
    assert quote(value) == quoted


def test_a_lora_tag_carries_its_strength():
    assert lora_tag("my cat", 0.8) == "<lora:my cat:0.8>"
    assert lora_tag("my cat") == "<lora:my cat:1>"


@pytest.mark.parametrize("prompt", ["a cat", "ein Kätzchen", "一只猫, 红色"])
def test_a_png_gives_its_infotext_back(tmp_path, prompt):
    infotext = Infotext(dataclasses.replace(REQUEST, prompt=prompt))
    write_png(tmp_path / "cat.png", Image.new("RGB", (8, 8)), infotext)
    with Image.open(tmp_path / "cat.png") as image:
        assert image.info["parameters"] == str(infotext)
    assert [path.name for path in tmp_path.iterdir()] == ["cat.png"]


def test_pictures_are_rounded_down_as_in_the_host():
    pixels = torch.tensor([-1.5, -1.0, 0.0, 0.999, 1.0, 2.0]).repeat(1, 3, 1, 1)
    (image,) = to_images(pixels)
    assert image.size == (6, 1)
    assert [image.getpixel((x, 0))[0] for x in range(6)] == [0, 0, 127, 254, 255, 255]
