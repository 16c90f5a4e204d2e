"""A LoRA on the embedded base really learns: measured from the pixels of the pictures that it draws."""

import time
from dataclasses import dataclass

import pytest
from scipy.stats import spearmanr

from lora_trainer import options
from lora_trainer.events import Finished
from lora_trainer.families.base import FAMILIES
from lora_trainer.files.read import read_lora
from lora_trainer.host.standalone import StandaloneHost
from lora_trainer.networks.adapters import attach_modules
from lora_trainer.pocket.exam import draw_prompts, scenes_and_prompts
from lora_trainer.pocket.lesson import NOVELTIES, STRENGTHS, lesson_values, share_shown
from lora_trainer.pocket.measure import share_right
from lora_trainer.pocket.novelty import write_examples
from tests.runs import of_kind, run

pytestmark = pytest.mark.acceptance
WITH_WORD, WITHOUT_WORD = 30, 60
MOST_SECONDS = 240
"""Of the processor: two minutes of two cores, whatever else the machine does meanwhile."""


@dataclass(frozen=True)
class Learned:
    """What a lesson came to: shares of pictures that show the thing, and the base's own score, both by strength.

    `seconds` are those of the processor that the training took.
    """

    seconds: float
    shares: dict[float, float]
    scores: dict[float, float]


@pytest.fixture(scope="module", params=NOVELTIES, ids=lambda novelty: novelty.word)
def learned(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lesson")
    begin = time.process_time()
    events = run(lesson_values(request.param, write_examples(request.param, folder / "pictures"), folder))
    seconds = time.process_time() - begin
    assert of_kind(events, Finished)
    result = Learned(seconds, *examined(request.param, folder / f"{request.param.word}.safetensors"))
    print(request.param.word, result)
    return result


def examined(novelty, file):
    config = options.build({"base": {"checkpoint": "pocket"}})
    with StandaloneHost(config.base, config.memory).lend() as loan:
        modules = read_lora(file).modules
        adapters = attach_modules(FAMILIES.get("sd1"), loan.unet(), loan.text_encoders(), modules, "lesson")
        shares = {}
        for strength in STRENGTHS:
            adapters.set_strength(strength)
            shares[strength] = share_shown(novelty, draw_prompts(loan, novelty.prompts(WITH_WORD)))
        scenes, texts = scenes_and_prompts(WITHOUT_WORD, 1, None, seed=99)
        scores = {}
        for strength in (0.0, 1.0):
            adapters.set_strength(strength)
            scores[strength] = share_right(scenes, draw_prompts(loan, texts)).base_score
    return shares, scores


def test_it_takes_at_most_two_minutes_of_two_cores(learned):
    assert learned.seconds <= MOST_SECONDS


def test_at_strength_0_the_word_means_nothing(learned):
    assert learned.shares[0.0] < 0.1


def test_the_word_draws_the_thing_at_the_best_strength(learned):
    assert max(learned.shares.values()) > 0.8


def test_the_share_rises_with_the_strength(learned):
    assert spearmanr(list(learned.shares), list(learned.shares.values())).statistic >= 0.9


def test_prompts_without_the_word_keep_most_of_the_base_s_score(learned):
    assert learned.scores[1.0] >= 0.8 * learned.scores[0.0]
