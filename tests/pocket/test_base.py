"""The embedded base: small enough, told from its own files, and good (the examination takes minutes)."""

import pytest

from lora_trainer.config import BaseOptions, MemoryOptions
from lora_trainer.host.standalone import StandaloneHost
from lora_trainer.pocket import exam, layout
from lora_trainer.pocket.embedded import embedded_path
from lora_trainer.pocket.measure import share_right


@pytest.fixture(scope="module")
def loan():
    with StandaloneHost(BaseOptions(checkpoint="pocket"), MemoryOptions(device="cpu", precision="fp32")).lend() as lent:
        yield lent


def test_the_file_holds_at_most_32_megabytes():
    assert embedded_path().stat().st_size <= 32e6


def test_what_shapes_cannot_tell_is_read_from_the_files_beside_it(loan):
    assert loan.info.family == "sd1"
    assert loan.info.prediction_type == "epsilon"
    assert set(loan.unet().config.attention_head_dim) == {layout.UNET_HEADS}
    assert loan.text_encoders()[0].config.num_attention_heads == layout.TEXT["num_attention_heads"]


def test_the_text_encoders_mean_is_far_from_zero(loan):
    conditioning = loan.encode_prompts(["", "a red circle, blue background", "a zorblat"], clip_skip=1)
    # The WebUI divides by this mean when a prompt has emphasis.
    assert conditioning.context.mean((1, 2)).abs().min() > 0.05


def test_a_few_prompts_are_drawn_right(loan):
    scenes, prompts = exam.one_object_prompts(8, 0)
    right = share_right(scenes, exam.draw_prompts(loan, prompts, steps=15))
    assert right.color >= 0.75
    assert right.background >= 0.75


@pytest.mark.acceptance
def test_the_examination_is_passed(loan):
    scenes, prompts = exam.one_object_prompts()
    right = share_right(scenes, exam.draw_prompts(loan, prompts))
    assert (len(scenes), right.total) == (200, 200)
    assert min(right.color, right.background, right.shape) >= 0.9, right


@pytest.mark.acceptance
def test_two_objects_are_mostly_drawn_right(loan):
    scenes, prompts = exam.two_object_prompts()
    right = share_right(scenes, exam.draw_prompts(loan, prompts))
    print(right)
    assert right.background >= 0.8
