"""Less at a time asks the same of every picture, and a step that runs out of memory anywhere is taken all the same."""

from __future__ import annotations

import random
from dataclasses import asdict

import pytest
import torch
from PIL import Image

from lora_trainer import optimizers, options
from lora_trainer.errors import TrainingError
from lora_trainer.events import Warned
from lora_trainer.train import _take_step
from lora_trainer.trainer import LoRATrainer
from lora_trainer.training.checkpointing import checkpoint_blocks
from lora_trainer.training.model import TrainingModel
from lora_trainer.training.thrift import Thrift

from ..bases import random_base
from ..runs import draw_pictures, values
from ..scarce import RoomFor, RunsOutAt, out_of_memory


class Bench:
    """A run that is ready for its first step, as often as one likes."""

    def __init__(self, config):
        self.trainer = LoRATrainer(config)
        self.trainer.build_model()
        self.run, self.config = self.trainer._run, self.trainer.config
        self.start = {}
        draw = torch.Generator().manual_seed(3)
        for name, tensor in self.run.model.adapters.state().items():
            self.start[name] = torch.randn(tensor.shape, generator=draw) * 0.05

    def reset(self):
        run = self.run
        run.model.adapters.restore(self.start)
        run.model.optimizer = optimizers.build(self.config.optimizer, run.model.adapters.parameter_groups(self.config))
        run.relief.thrift, run.relief._in_vain, run.stepper.at_a_time = Thrift(), -1, 0
        checkpoint_blocks(run.model.unet, "off")

    def take(self, step, place=0):
        """Take a step in which operation `place` fails; its loss, the codes of what was told, and its operations."""
        told, losses = [], []

        def all_events():
            losses.append((yield from _take_step(self.run, self.trainer._host, step)))

        with RunsOutAt(place) as memory:
            for event in all_events():
                assert isinstance(event, Warned)
                told.append(event.code)
        return losses[0].read()[0], told, memory.count

    def weights(self):
        return self.run.model.adapters.state()


def bench(tmp_path_factory, family, count=5, **more):
    folder = tmp_path_factory.mktemp(family)
    pictures = draw_pictures(folder / "pictures", count=count)
    (pictures / "1.txt").write_text("a very long caption about a zorb, " * 20, encoding="utf-8")
    Image.new("L", (64, 64), 255).crop((0, 0, 30, 64)).resize((64, 64)).save(pictures / "2-mask.png")
    Image.linear_gradient("L").resize((64, 64)).save(pictures / "3-mask.png")
    folders = [
        {"path": str(pictures), "weight": 0.7},
        {"path": str(draw_pictures(folder / "class", count=2)), "regularization": True},
    ]
    mixed = {"data__folders": folders, "data__prior_weight": 0.4, "data__masks": True, "data__batch_size": 3}
    return Bench(options.build(values(random_base(family), pictures, folder, **{**mixed, **more})))


def _distance(one, other):
    return float(torch.stack([(one[name] - other[name]).norm() for name in one]).norm())


DROPPING = {"network__dropout": 0.3, "network__rank_dropout": 0.3, "network__module_dropout": 0.2}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    made = bench(tmp_path_factory, "sd1", count=4, data__batch_size=4, optimizer__learning_rate=1e-3)
    yield made
    made.trainer.close()


@pytest.mark.parametrize(
    ("family", "more"),
    [
        ("sd1", {"base__max_tokens": 150, "network__conv_rank": 2}),
        ("sd1", {"base__max_tokens": 150, "network__train_text_encoder": True}),
        ("sdxl", {}),
    ],
    ids=["frozen", "learning text encoder", "sdxl"],
)
def test_less_at_a_time_gives_the_same_loss_and_gradients(tmp_path_factory, family, more):
    made = bench(tmp_path_factory, family, **DROPPING, **more)
    made.run.model.adapters.restore(made.start)
    stepper, model = made.run.stepper, made.run.model
    assert any(stepper.loader.batch(step).mask is not None for step in range(made.run.plan.batches_per_epoch))
    for step in range(made.run.plan.batches_per_epoch):
        found = []
        for at_a_time in (0, 2, 1):
            stepper.at_a_time = at_a_time
            loss = stepper._backward(step, 0, 1, lambda: None)
            gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in model.parameters]
            found.append((float(loss), torch.cat([gradient.flatten() for gradient in gradients])))
            model.forget_gradients()
        (loss, whole), *others = found
        for other_loss, other in others:
            assert other_loss == pytest.approx(loss, rel=1e-5)
            assert float((other - whole).norm() / whole.norm()) < 1e-4
    made.trainer.close()


def test_the_parts_of_a_batch_are_what_they_say(plain, monkeypatch):
    plain.reset()
    room = RoomFor(plain.run.model.predict, 3)
    monkeypatch.setattr(TrainingModel, "predict", lambda self, *more: room(*more))
    plain.take(0)
    assert room.sizes == [4, 2, 2] and plain.run.stepper.at_a_time == 2


def test_a_failure_at_any_operation_of_a_step_is_survived(plain):
    plain.reset()
    _, _, operations = plain.take(0)
    loss, _, _ = plain.take(1)
    wanted = plain.weights()
    draw = random.Random(11)
    # All over the step, and in its last hundred operations, where gradients are clipped and the optimizer moves.
    places = [draw.randrange(1, operations) for _ in range(8)] + [operations - n for n in (0, 3, 9, 27, 60, 90)]
    for place in places:
        plain.reset()
        _, told, _ = plain.take(0, place)
        assert told == ["memory_batch"], place
        again, told, _ = plain.take(1)
        assert told == [] and again == pytest.approx(loss, rel=1e-4), place
        ended = plain.weights()
        # AdamW makes much of the rounding of single gradients near zero, but not of many.
        error, change = (_distance(wanted, other) for other in (ended, plain.start))
        assert error < 1e-3 * change, place


def test_a_step_of_single_pictures_is_survived_to_the_bit(tmp_path_factory):
    made = bench(tmp_path_factory, "sd1", data__batch_size=1, optimizer__accumulation=2, **DROPPING)
    made.reset()
    _, _, operations = made.take(0)
    made.take(1)
    wanted = made.weights()
    draw = random.Random(5)
    for _ in range(3):
        made.reset()
        told = [made.take(step, draw.randrange(1, operations))[1] for step in range(2)]
        assert told == [["memory_checkpointing"], ["memory_checkpointing"]]
        assert all(torch.equal(weight, wanted[name]) for name, weight in made.weights().items())
    made.trainer.close()


def test_one_thing_after_another_is_given_up_and_only_then_the_run(plain, monkeypatch):
    plain.reset()
    monkeypatch.setattr(TrainingModel, "predict", lambda *_: (_ for _ in ()).throw(out_of_memory()))
    told = []
    with pytest.raises(TrainingError, match="as little as possible") as failed:
        told.extend(event for event in _take_step(plain.run, plain.trainer._host, 0))
    assert "can't allocate" in str(failed.value.__cause__)


def test_the_rungs_of_the_ladder_have_their_order(plain):
    plain.reset()
    told = [event for _ in range(6) for event in plain.run.relief.ease(0)]
    assert [str(event.message).partition(": ")[2] for event in told] == [
        "batch 4 is now taken as 2 x 2. The result stays the same.",
        "batch 4 is now taken as 4 x 1. The result stays the same.",
        "gradient checkpointing is now 'largest', which makes steps slower. The result stays the same.",
        "gradient checkpointing is now 'all', which makes steps slower. The result stays the same.",
        "what the optimizer remembers is now kept in 8 bits. The result stays nearly the same.",
        "the step is taken once more.",
    ]
    assert {event.step for event in told} == {1} and told[0].values["parts"] == "2 x 2"
    assert asdict(plain.run.relief.thrift) == {
        "at_a_time": 1,
        "checkpointing": "all",
        "idle_off": False,
        "bytes_in_optimizer": True,
    }
    plain.take(0)


def test_what_is_idle_leaves_an_accelerator_without_changing_anything(plain, monkeypatch):
    plain.reset()
    plain.take(0)
    plain.take(1)
    wanted = plain.weights()
    plain.reset()
    plain.run.model.keep_states_off()
    plain.take(0)
    plain.take(1)
    plain.run.model.states_off = False
    assert all(torch.equal(weight, wanted[name]) for name, weight in plain.weights().items())


def test_another_failure_ends_the_step_at_once(plain, monkeypatch):
    plain.reset()
    calls = []

    def fail(self, *more):
        calls.append(1)
        raise RuntimeError("The size of tensor a must match the size of tensor b.")

    monkeypatch.setattr(TrainingModel, "predict", fail)
    with pytest.raises(RuntimeError, match="must match"):
        plain.take(0)
    assert calls == [1]
