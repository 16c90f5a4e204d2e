"""The host's model in the trainer's hands: taken as the checkpoint is, handed back as it was, whatever happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from . import interrupts, lora_extension, selection
from .kind import kind
from .progress import HostJob

JOB = "Train LoRA"
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


class Custody:
    """Has the model between `take` and `give_back`, both under the host's lock and as often as somebody wants it.

    `wish_to_stop` is called when the host's Interrupt is pressed meanwhile.
    """

    def __init__(self, wish_to_stop: Callable[[], None]) -> None:
        self.model: Any = None
        self.job = HostJob(JOB)
        self._wish_to_stop = wish_to_stop
        self._path = ""
        self._checkpoint: Any = None
        self._held = ExitStack()

    def take(self) -> None:
        """Take the model: the one of the first time, if there was one, without LoRAs and without wanting gradients.

        Raises BaseAway when another checkpoint is selected now, BaseModelError when there is none to be had.
        """
        with ExitStack() as held:
            held.enter_context(self.job)
            held.enter_context(self._interruptible())
            self._fetch()
            held.enter_context(_as_they_were(self.model))
            held.enter_context(_switches_as_they_were())
            self.model.requires_grad_(False)
            self._held = held.pop_all()

    def give_back(self) -> None:
        """Put everything back that `take` found. Twice is as once."""
        held, self._held = self._held, ExitStack()
        held.close()

    def heed_interrupts(self) -> None:
        """Notice an Interrupt that went past the host's method, and show the job again where a picture's end hid it."""
        from modules import shared

        interrupts.heed_flags(shared.state, self._wish_to_stop)
        if shared.state.job != self.job.name:
            shared.state.job = self.job.name

    @property
    def moved(self) -> bool:
        """Whether the model was swapped, emptied or moved since `take`, as some of the host's buttons do unlocked."""
        model = kind().loaded()
        if model is None or model != self.model:
            return True
        loaded = model.sd_checkpoint_info is self._checkpoint and selection.same_file(
            model.sd_model_checkpoint, self._path
        )
        return not (loaded and kind().is_in_place(model))

    def restore(self) -> None:
        """After the model `moved`: have it back, as `take` left it."""
        self.give_back()
        self.take()

    def _fetch(self) -> None:
        self.model = selection.bring_back(self._path)
        self._path, self._checkpoint = str(self.model.sd_model_checkpoint), self.model.sd_checkpoint_info
        lora_extension.remove_baked()

    def _interruptible(self) -> Any:
        from modules import shared

        return interrupts.watched(shared.state, self._wish_to_stop)


@contextmanager
def _as_they_were(model: Any) -> Iterator[None]:
    """Inside, flags and hooks of the model's modules may change; afterwards they are as before."""
    free = [parameter for parameter in model.parameters() if not parameter.is_inference()]  # others' are fixed
    gradients = [(parameter, parameter.requires_grad) for parameter in free]
    training = [(module, module.training) for module in model.modules()]
    hooks = [(getattr(module, name), dict(getattr(module, name))) for module in model.modules() for name in HOOKS]
    try:
        yield
    finally:
        for parameter, wanted in gradients:
            parameter.requires_grad_(wanted)
        for module, flag in training:
            module.training = flag
        for table, entries in hooks:
            if table.keys() != entries.keys():
                table.clear()
                table.update(entries)


@contextmanager
def _switches_as_they_were() -> Iterator[None]:
    """Inside, torch's global switches may change; afterwards they are as before."""
    import torch

    tables = {
        torch.backends.cudnn: ("enabled", "benchmark", "deterministic", "allow_tf32"),
        torch.backends.cuda.matmul: ("allow_tf32", "allow_fp16_reduced_precision_reduction"),
    }
    before = [(table, name, getattr(table, name)) for table, names in tables.items() for name in names]
    dtype, deterministic = torch.get_default_dtype(), torch.are_deterministic_algorithms_enabled()
    try:
        yield
    finally:
        for table, name, value in before:
            if getattr(table, name) != value:
                setattr(table, name, value)
        torch.set_default_dtype(dtype)
        if torch.are_deterministic_algorithms_enabled() != deterministic:
            torch.use_deterministic_algorithms(deterministic)
