"""The embedded base is good: colours and shapes measured from the pixels of 200 pictures, 50 of unseen combinations."""

import pytest

from lora_trainer import options
from lora_trainer.host.standalone import StandaloneHost
from lora_trainer.pocket.embedded import embedded_path
from lora_trainer.pocket.exam import draw_prompts, one_object_prompts
from lora_trainer.pocket.measure import share_right

pytestmark = pytest.mark.acceptance
LEAST_SHARE = 0.9
MOST_BYTES = 32 * 2**20


def test_the_base_draws_what_it_is_told():
    config = options.build({"base": {"checkpoint": "pocket"}})
    scenes, texts = one_object_prompts()
    with StandaloneHost(config.base, config.memory).lend() as loan:
        share = share_right(scenes, draw_prompts(loan, texts))
    print(share)
    assert min(share.color, share.background, share.shape) >= LEAST_SHARE


def test_the_file_is_small():
    assert embedded_path().stat().st_size <= MOST_BYTES
