"""The save and the strength that are proposed are right: measured from pixels, by what took no part in choosing."""

import json
import time

import pytest

from lora_trainer import options
from lora_trainer.cli.main import main
from lora_trainer.families.base import FAMILIES
from lora_trainer.files.read import read_lora
from lora_trainer.host.standalone import StandaloneHost
from lora_trainer.networks.adapters import attach_modules
from lora_trainer.pocket.exam import draw_prompts, scenes_and_prompts
from lora_trainer.pocket.lesson import NOVELTIES, lesson_values, share_shown
from lora_trainer.pocket.measure import share_right
from lora_trainer.pocket.novelty import write_examples
from tests.judging.pocket_clip import train_clip
from tests.runs import run

pytestmark = pytest.mark.acceptance
BANDS = next(novelty for novelty in NOVELTIES if novelty.word == "vrimpled")
HARSH = {
    "optimizer": {"schedule": "constant", "learning_rate": 6e-3},
    "data": {"caption_dropout": 0.0},
    "samples": {"every": 1000000, "prompts": BANDS.prompts(2), "steps": 14},
    "save": {"every": 40},
    "steps": 160,
}
"""Learns fast: the first save shows little yet, the last ones spoil other prompts at full strength."""
EARLY, LAST = "vrimpled-step000040.safetensors", "vrimpled.safetensors"
WITH_WORD, WITHOUT_WORD = 20, 24
MOST_SECONDS = 240


@pytest.fixture(scope="module")
def chosen(tmp_path_factory):
    """(folder, what `choose` says) of a run that overcooks, judged by a CLIP that knows pocket's drawings."""
    folder, begin = tmp_path_factory.mktemp("choosing"), time.process_time()
    values = lesson_values(BANDS, write_examples(BANDS, folder / "pictures"), folder)
    run(options.merged(values, HARSH))
    train_clip(folder / "models" / "clip" / "pocket")
    with pytest.MonkeyPatch.context() as patch:
        said = []
        patch.setattr("builtins.print", lambda *words, **more: said.extend(words))
        command = ["choose", str(folder / "vrimpled.run"), "--models", str(folder / "models"), "--json"]
        assert main(command) == 0
    return folder, json.loads(said[-1]), time.process_time() - begin


@pytest.fixture(scope="module")
def measured(chosen):
    """A function of save and strength: the share of pictures that show the thing, and the score of other prompts."""
    config = options.build({"base": {"checkpoint": "pocket"}})
    scenes, texts = scenes_and_prompts(WITHOUT_WORD, 1, None, seed=99)
    with StandaloneHost(config.base, config.memory).lend() as loan:

        def measure(save, strength):
            modules = read_lora(chosen[0] / save).modules
            adapters = attach_modules(FAMILIES.get("sd1"), loan.unet(), loan.text_encoders(), modules, "choosing")
            adapters.set_strength(strength)
            shown = share_shown(BANDS, draw_prompts(loan, BANDS.prompts(WITH_WORD), steps=20))
            others = share_right(scenes, draw_prompts(loan, texts, steps=20)).base_score
            adapters.detach()
            print(save, strength, shown, others)
            return shown, others

        yield measure


def test_the_proposal_shows_the_thing_and_leaves_other_prompts_alone(chosen, measured):
    proposal = chosen[1]["proposal"]
    print(proposal["sentence"])
    shown, others = measured(proposal["save"], proposal["strength"])
    _, base = measured(LAST, 0.0)
    assert proposal["basis"] == "pictures" and chosen[1]["judges"]["likeness"] == "clip"
    assert shown >= 0.7 and others >= 0.85 * base
    early, _ = measured(EARLY, 0.6)
    _, spoiled = measured(LAST, 1.0)
    assert early <= 0.3 and spoiled <= 0.75 * base


def test_the_proposal_and_its_sheet_lie_in_the_run_s_folder(chosen):
    folder, said, _ = chosen
    kept = json.loads((folder / "vrimpled.run" / "proposal.json").read_text(encoding="utf-8"))
    assert kept["proposal"] == said["proposal"] and len(kept["cells"]) == 4 * 4
    assert (folder / "vrimpled.run" / "grid.png").is_file()


def test_run_model_and_sweep_take_at_most_four_minutes_of_a_core(chosen):
    assert chosen[2] <= MOST_SECONDS
