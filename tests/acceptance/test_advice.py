"""Real runs on the embedded base: what goes wrong with them is recognised, and healthy ones are not talked about."""

import pytest

from lora_trainer import options
from lora_trainer.events import Advised, Finished
from lora_trainer.pocket.lesson import NOVELTIES, lesson_values
from lora_trainer.pocket.novelty import write_examples
from tests.runs import of_kind, run

pytestmark = pytest.mark.acceptance

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
)


def codes(folder, number, changes):
    """What is advised on a short lesson with these options."""
    novelty = NOVELTIES[number % len(NOVELTIES)]
    pictures = write_examples(novelty, folder / "pictures")
    values = options.merged(lesson_values(novelty, pictures, folder), options.unflattened({**SHORT, **changes}))
    events = run(options.build(values))
    assert isinstance(events[-1], Finished)
    return {event.code.removeprefix("advice_") for event in of_kind(events, Advised)}


@pytest.mark.parametrize("number", range(len(HEALTHY)))
def test_a_healthy_run_is_not_talked_about(tmp_path, number):
    assert codes(tmp_path, number, HEALTHY[number]) == set()


LEARNED_BY_HEART = {
    "steps": 240,
    "save.every": 40,
    "data.validation_share": 0.3,
    "network.rank": 32,
    "optimizer.learning_rate": 0.01,
    "optimizer.schedule": "constant",
}


@pytest.mark.parametrize(
    ("condition", "changes"),
    [
        ("destroyed", {"optimizer.learning_rate": 0.3, "steps": 40}),
        ("rate_too_low", {"optimizer.learning_rate": 1e-6}),
        ("overfitting", LEARNED_BY_HEART),
        ("exploding", LEARNED_BY_HEART),
    ],
)
def test_a_run_that_was_set_wrongly_is_recognised(tmp_path, condition, changes):
    assert condition in codes(tmp_path, 0, changes)
