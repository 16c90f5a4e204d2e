"""The memory of one training step, from a step that is computed with shapes alone.

The trainer's own model is built and run forward and backward on tensors without memory, while the bytes that would be
alive are counted. So checkpointing, adapters, ranks and precisions need no formulas of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from .. import packages
from ..config import TrainConfig
from ..families.base import PictureSize
from ..host.base import Conditioning
from ..text.encode import hidden_states
from ..training.checkpointing import checkpoint_blocks
from ..training.model import TrainingModel, build_model
from ..twin.packing import packable_bytes
from ..twin.unet import SIZE_FEATURES
from .imagined import BaseShapes, ImaginedLoan
from .kernels import Kernels
from .live import LiveBytes

OPTIMIZER_BYTES = {"adamw8bit": 2, "adafactor": 1, "lion": 4, "prodigy": 16, "sgd": 4}
"""Bytes that an optimizer keeps for each trained number where they are not AdamW's two fp32 numbers."""
ADAMW_BYTES = 8
LATENT = 8
"""Pixels to a latent."""
CHUNK = 77
"""Tokens that a text encoder takes at a time."""


@dataclass(frozen=True)
class StepMemory:
    """Bytes: the base's `weights` that a step needs, what is `trained` (adapters, gradients, optimizer), and the most
    that is alive of everything else at a time: `activations`, or when they are gone what is there while the optimizer
    moves, `moving`: gradients, and the copy by which some moves can be taken back. `packed` is the second copy of
    weights that are packed for a processor; `kernels` is what a processor's library keeps of its own code."""

    weights: int
    trained: int
    activations: int
    moving: int = 0
    packed: int = 0
    kernels: int = 0

    @property
    def beside_weights(self) -> int:
        return self.trained + max(self.activations, self.moving)

    @property
    def total(self) -> int:
        return self.weights + self.beside_weights


class ImaginedModel:
    """The trainer's own model on tensors without memory, built once and asked about many steps.

    `config` says what is trained on the base, which is held in `dtype`. Raises what building the model raises.
    """

    def __init__(self, config: TrainConfig, base: BaseShapes, dtype: torch.dtype) -> None:
        packages.import_all()
        self._fake, self._config = FakeTensorMode(allow_non_fake_inputs=True), config
        with self._fake, _WithoutValues():
            loan: Any = ImaginedLoan(base, dtype)
            self._model = build_model(config, loan)

    def step(self, size: tuple[int, int], count: int, checkpointing: str) -> StepMemory:
        """What a step needs at micro-batches of `count` pictures of `size` (height, width).

        Takes a second or some of one core and hardly any memory.
        """
        model = self._model
        trained = {id(parameter) for parameter in model.parameters}
        parameters = [*model.unet.parameters(), *(p for encoder in model.text_encoders for p in encoder.parameters())]
        frozen = [parameter for parameter in parameters if id(parameter) not in trained]
        checkpoint_blocks(model.unet, checkpointing)
        with self._fake, _WithoutValues(), Kernels() as kernels:
            with LiveBytes([*parameters, *_buffers(model)]) as live:
                one_step(model, self._config, size, count)
            model.forget_gradients()
        numbers = sum(parameter.numel() for parameter in model.parameters)
        state = OPTIMIZER_BYTES.get(self._config.optimizer.name, ADAMW_BYTES)
        return StepMemory(
            weights=sum(parameter.numel() * parameter.element_size() for parameter in frozen),
            trained=numbers * (4 + state),  # gradients were alive in the step itself
            activations=live.most,
            moving=numbers * (4 + (0 if model.moves_at_once else 4 + state)),
            packed=packable_bytes(model.unet),
            kernels=kernels.bytes,
        )


def step_memory(config: TrainConfig, base: BaseShapes, size: tuple[int, int], dtype: torch.dtype) -> StepMemory:
    """What a step of `config` needs at micro-batches of pictures of `size` (height, width), the base held in `dtype`.

    Raises what building the model raises.
    """
    return ImaginedModel(config, base, dtype).step(size, config.data.batch_size, config.memory.checkpointing)


class _WithoutValues(TorchDispatchMode):
    """Drawing into a tensor without memory changes nothing; torch 2.1 refuses it where a generator is given."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        drawing = func in (torch.ops.aten.uniform_.default, torch.ops.aten.normal_.default)
        return args[0] if drawing else func(*args, **(kwargs or {}))


def _buffers(model: TrainingModel) -> list[torch.Tensor]:
    return [*model.unet.buffers(), *(buffer for encoder in model.text_encoders for buffer in encoder.buffers())]


def one_step(model: TrainingModel, config: TrainConfig, size: tuple[int, int], count: int) -> None:
    """Gradients for one micro-batch of `count` black pictures."""
    height, width = size
    latents = torch.zeros(count, 4, height // LATENT, width // LATENT)
    model.adapters.clock.set(0, 0)
    with torch.enable_grad():
        conditioning = _conditioning(model, config, count)
        sizes = [PictureSize((height, width), (0, 0), (height, width))] * count
        predicted = model.predict(latents, torch.zeros(count, dtype=torch.long), conditioning, sizes)
        F.mse_loss(predicted.float(), latents).backward()


def _conditioning(model: TrainingModel, config: TrainConfig, count: int) -> Conditioning:
    chunks = config.base.max_tokens // 75
    if model.text_encoders:
        ids = [torch.ones(count, chunks, CHUNK, dtype=torch.long) for _ in model.text_encoders]
        hidden, pooled = hidden_states(model.family, model.text_encoders, ids, clip_skip=config.base.clip_skip)
        return model.family.conditioning([states.flatten(1, 2) for states in hidden], pooled)
    unet: Any = model.unet
    embedded = unet.config.projection_class_embeddings_input_dim
    pooled = torch.zeros(count, embedded - 6 * SIZE_FEATURES) if embedded else None
    return Conditioning(torch.zeros(count, chunks * CHUNK, unet.config.cross_attention_dim), pooled)
