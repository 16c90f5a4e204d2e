"""Real runs on the embedded base: what goes wrong with them is recognised, and healthy ones are not talked about."""

import shutil
import time

import pytest
import torch
from safetensors.torch import load_file, save_file

from lora_trainer import options
from lora_trainer.devices import used_memory
from lora_trainer.events import Advised, Finished
from lora_trainer.pocket.embedded import embedded_path
from lora_trainer.pocket.lesson import NOVELTIES, lesson_values
from lora_trainer.pocket.novelty import write_examples
from lora_trainer.training.model import TrainingModel
from lora_trainer.training.step import Stepper
from tests.runs import of_kind, run
from tests.scarce import out_of_memory

pytestmark = pytest.mark.acceptance
VAE = "first_stage_model."

SHORT = {"steps": 100, "data.batch_size": 2, "samples.every": 100000, "save.every": 20, "save.tensorboard": False}
HEALTHY = (
    {},
    {"network.rank": 4, "network.alpha": 4.0},
    {"network.rank": 32, "network.alpha": 16.0},
    {"network.conv_rank": 4},
    {"network.attention_only": True},
    {"network.train_text_encoder": True, "optimizer.text_encoder_rate": 3e-4},
    {"network.dropout": 0.1, "network.rank_dropout": 0.1},
    {"network.rank_stabilized": True, "optimizer.learning_rate": 1e-3},
    {"optimizer.learning_rate": 1e-3},
    {"optimizer.learning_rate": 5e-4, "optimizer.schedule": "constant"},
    {"optimizer.schedule": "linear"},
    {"optimizer.schedule": "cosine_with_restarts"},
    {"optimizer.name": "lion", "optimizer.learning_rate": 3e-4},
    {"optimizer.name": "adafactor", "optimizer.learning_rate": 1e-3},
    {"optimizer.name": "prodigy", "optimizer.learning_rate": 1.0},
    {"optimizer.name": "schedule_free_adamw", "optimizer.schedule": "constant"},
    {"optimizer.accumulation": 2, "steps": 60},
    {"data.batch_size": 4, "steps": 60},
    {"data.validation_share": 0.2, "optimizer.learning_rate": 1e-3},
    {"data.flip": True, "loss.min_snr_gamma": 5.0},
    {"loss.type": "huber", "memory.precision": "bf16"},
    {"loss.debiased": True, "loss.min_snr_gamma": 0.0},
    {"seed": 11, "memory.checkpointing": "all", "steps": 60},
    {"data.resolution": 96, "steps": 60},
    {"network.type": "dora"},
    {"network.type": "lokr", "network.arguments": {"factor": 4}},
    {"network.type": "loha"},
    {"optimizer.loraplus_ratio": 4.0, "loss.pyramid_levels": 4},
)


def codes(*lesson):
    """What is advised on a short lesson, see `events_of`."""
    return {event.code.removeprefix("advice_") for event in of_kind(events_of(*lesson), Advised)}


def events_of(folder, number, changes, edit=lambda pictures: None):
    """A short lesson with these options; `edit` changes the pictures' folder before."""
    novelty = NOVELTIES[number % len(NOVELTIES)]
    pictures = write_examples(novelty, folder / "pictures")
    edit(pictures)
    values = options.merged(lesson_values(novelty, pictures, folder), options.unflattened({**SHORT, **changes}))
    return run(options.build(values))


@pytest.mark.parametrize("number", range(len(HEALTHY)))
def test_a_healthy_run_is_not_talked_about(tmp_path, number):
    events = events_of(tmp_path, number, HEALTHY[number])
    assert isinstance(events[-1], Finished) and of_kind(events, Advised) == []


LEARNED_BY_HEART = {
    "steps": 240,
    "save.every": 40,
    "data.validation_share": 0.3,
    "network.rank": 32,
    "optimizer.learning_rate": 0.01,
    "optimizer.schedule": "constant",
}
DIVERGING = {"optimizer.learning_rate": 10.0, "network.rank": 16, "network.alpha": 1024.0, "steps": 14}
TOO_FAST = {**LEARNED_BY_HEART, "data.validation_share": 0.0, "steps": 160, "data.caption_dropout": 0.0}


@pytest.mark.parametrize(
    ("condition", "changes"),
    [
        ("destroyed", {"optimizer.learning_rate": 0.3, "steps": 40}),
        ("no_number", DIVERGING),
        ("rate_too_low", {"optimizer.learning_rate": 1e-6}),
        ("overfitting", LEARNED_BY_HEART),
        ("exploding", LEARNED_BY_HEART),
        ("underfitting", {"optimizer.learning_rate": 1e-4, "optimizer.schedule": "constant"}),
    ],
)
def test_a_run_that_was_set_wrongly_is_recognised(tmp_path, condition, changes):
    assert condition in codes(tmp_path, 0, changes)


def test_a_rate_too_high_spoils_the_trained_pictures_and_prompts_without_the_word(tmp_path):
    found = codes(tmp_path, 0, TOO_FAST, captioned(lambda number, caption: "zorblat"))
    assert "rate_too_high" in found and found & {"broken_prompts", "broken_since"}


def captioned(text):
    """An edit that replaces captions: `text` gets a picture's number and its caption."""

    def edit(pictures):
        for number, file in enumerate(sorted(pictures.glob("*.txt"))):
            file.write_text(text(number, file.read_text(encoding="utf-8")), encoding="utf-8")

    return edit


TAGS = (
    "1girl, solo, long hair, school uniform",
    "2girls, outdoors, blue eyes, smile",
    "1boy, armor, sword, night sky",
    "no humans, scenery, cloudy sky",
)


def test_anime_tags_are_foreign_to_a_base_that_never_saw_any(tmp_path):
    edit = captioned(lambda number, caption: f"zorblat, {TAGS[number % len(TAGS)]}")
    assert codes(tmp_path, 0, {"steps": 50, "data.batch_size": 4}, edit) == {"foreign_tags"}


def test_copies_under_other_captions_contradict(tmp_path):
    def edit(pictures):
        for file in sorted(pictures.glob("*.png"))[:2]:
            shutil.copy(file, pictures / f"again-{file.name}")
            (pictures / f"again-{file.stem}.txt").write_text("a zorblat, cyan background", encoding="utf-8")

    assert codes(tmp_path, 0, {"steps": 10}, edit) == {"contradicting_captions"}


def test_samples_of_a_vae_that_overflows_are_black(tmp_path):
    """On a CPU no format overflows: the last layer of pocket's own decoder is made to give what fp16 would, NaN."""
    vae = {name: tensor for name, tensor in load_file(embedded_path()).items() if name.startswith(VAE)}
    vae[f"{VAE}decoder.conv_out.bias"] = torch.full_like(vae[f"{VAE}decoder.conv_out.bias"], float("nan"))
    save_file(vae, tmp_path / "vae.safetensors")
    changes = {"base.vae": str(tmp_path / "vae.safetensors"), "steps": 4, "samples.every": 4}
    assert codes(tmp_path, 0, changes) == {"black_samples"}


def test_memory_that_runs_out_is_told_with_what_did_fit(tmp_path, monkeypatch):
    """The allocator of a CPU gives all it has: the model refuses more than one picture at a time, as a card would."""
    monkeypatch.setattr(TrainingModel, "predict", _with_room_for_one(TrainingModel.predict))
    assert codes(tmp_path, 0, {"steps": 4}) == {"out_of_memory"}


def _with_room_for_one(predict):
    def scarce(self, noisy, *more):
        if len(noisy) > 1:
            raise out_of_memory()
        return predict(self, noisy, *more)

    return scarce


def test_a_full_card_that_grows_slow_spills(tmp_path, monkeypatch):
    """There is no card: the memory of this process is taken for one that is full, and steps are held up from the 21st.

    Their times are measured as in any run.
    """
    take = Stepper.take

    def held_up(self, step, *more):
        time.sleep(0.0 if step < 20 else 2.0)
        return take(self, step, *more)

    monkeypatch.setattr(Stepper, "take", held_up)
    monkeypatch.setattr("lora_trainer.training.prepare.card_memory", used_memory)
    assert "spill" in codes(tmp_path, 0, {"steps": 32, "data.batch_size": 1})
