"""From options and a loan to a run that can take its first step: pictures and captions encoded, model built."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .. import optimizers, packages
from ..config import TrainConfig
from ..data.cache import Store, open_store
from ..data.loader import Loader
from ..data.plan import RunPlan, Variant
from ..devices import card_memory, release_memory, temperature
from ..events import Event, Preparing, Started, Warned
from ..files.fingerprint import fingerprint
from ..files.hashes import sha256_of_file
from ..host.base import Loan
from ..objective import NoiseSchedule, Objective
from ..portions import Portions
from ..run_folder import RunFolder
from ..seeds import untouched_random_state
from ..sentences import Sentence
from ..state import State
from .agenda import Agenda
from .captions import CaptionSource, EncodedCaptions, LiveCaptions
from .meter import Meter
from .model import TrainingModel, build_model
from .pace import Course, Pace, Rates, paced
from .probes import Probes, Questions
from .sampling import Sampler, passes_of_samples, sample_requests
from .saving import Saver
from .scaler import LossScaler
from .step import Stepper
from .thermometer import Thermometer
from .thrift import Relief
from .validation import Validation, passes_of_validation, validation_batches

PICTURES, CAPTIONS, MODEL = "encoding pictures", "encoding captions", "building the model"


@dataclass
class PreparedRun:
    """All parts of a run, ready for its first step."""

    config: TrainConfig
    plan: RunPlan
    model: TrainingModel
    captions: CaptionSource
    stepper: Stepper
    validation: Validation
    sampler: Sampler
    saver: Saver
    agenda: Agenda
    meter: Meter
    pace: Pace
    scaler: LossScaler
    relief: Relief
    probes: Probes
    thermometer: Thermometer
    first_step: int = 0

    def restore(self, state: State) -> None:
        """Go on after `state`. Raises TrainingError when it belongs to another network."""
        self.relief.restore(state.values.get("thrift", {}))
        self.model.adapters.restore(state.network)
        optimizers.load_optimizer_state(self.model.optimizer, state.optimizer, state.values["optimizer"])
        self.meter.restore(state.values["meter"])
        self.validation.restore(state.values["validation"])
        self.scaler.restore(state.values["scaler"])
        self.saver.session_id, self.saver.started_at = state.values["session_id"], state.values["started_at"]
        self.first_step = state.step

    def started(self, device: str) -> Started:
        info = self.saver.info
        trained = len(self.plan.pictures) - len(self.plan.held_back)
        return Started(
            name=self.config.save.name,
            family=info.family,
            prediction_type=info.prediction_type,
            base_name=info.name,
            pictures=trained,
            first_step=self.first_step,
            total_steps=self.plan.total_steps,
            steps_per_epoch=self.plan.steps_per_epoch,
            save_steps=self.agenda.saves(),
            device=device,
            seed=self.config.seed,
            trainable_parameters=sum(parameter.numel() for parameter in self.model.parameters),
            modules=len(self.model.adapters),
            card_bytes=card_memory(self.model.device),
        )


def prepare(
    config: TrainConfig,
    loan: Loan,
    plan: RunPlan,
    folder: RunFolder,
    state: State | None,
    store: Store | None = None,
) -> Generator[Event, None, PreparedRun]:
    """Encode what can be encoded once, free what did it, and only then bring up the U-Net: the least memory at a time.

    What is in `store` already need not be encoded again.

    Raises UserError when base and options do not go together, DataError when a picture cannot be encoded.
    """
    packages.import_all()
    first_step = state.step if state else 0
    store = store or open_store(config.data, folder.cache)
    base_identity = _base_identity(config, loan)
    portions = Portions(partial(release_memory, loan.device))
    loader = Loader(plan, store, loan.encode_pixels, vae=_vae_identity(config, base_identity), portions=portions)
    rates, questions = Rates(), Questions.of(plan, config)
    yield from _encode_pictures(loader, plan, first_step, questions, rates)
    loan.release("vae")
    sampler = Sampler(config, loan, plan.pictures, folder.samples)
    encoded = None
    if not config.network.train_text_encoder:
        encoded = EncodedCaptions(loan, plan, store, config.base, base_identity, questions.texts)
        sampler.encode_prompts()
        yield from encode_captions(encoded, first_step, rates)
    yield Preparing(MODEL, 0, 1)
    with untouched_random_state():
        model = build_model(config, loan)
    loan.accompany(model)
    captions = encoded or LiveCaptions(loan, model.family, model.text_encoders, config.base)
    pace = Pace(course_of(config, plan, captions.ahead(first_step)), rates)
    run = _assemble(config, loan, plan, folder, loader, captions, model, sampler, questions, pace)
    if state:
        run.restore(state)
    yield Preparing(MODEL, 1, 1)
    return run


def _base_identity(config: TrainConfig, loan: Loan) -> str:
    """What tells this base from others in a cache: on disk its content, in memory its name is enough."""
    return loan.sha256() if config.data.cache == "disk" else loan.info.name


def _vae_identity(config: TrainConfig, base_identity: str) -> str:
    """The same for the VAE, which may come from a file of its own."""
    if not config.base.vae:
        return base_identity
    return sha256_of_file(Path(config.base.vae).expanduser()) if config.data.cache == "disk" else config.base.vae


def _encode_pictures(
    loader: Loader, plan: RunPlan, first_step: int, questions: Questions, rates: Rates
) -> Iterator[Event]:
    variants = list(dict.fromkeys([*variants_of(plan, first_step), *questions.variants]))
    area = sum(math.prod(plan.pictures[variant.picture].bucket) for variant in variants) / len(variants)

    def note(seconds: float) -> None:
        rates.encoding = seconds / area

    most = loader.portions.most
    for done, total in paced(loader.prepare(variants, plan.data.batch_size), note):
        yield Preparing(PICTURES, done, total)
        if loader.portions.most != most:
            most = loader.portions.most
            yield Warned.of(_encoded_by(most))


def variants_of(plan: RunPlan, first_step: int = 0) -> list[Variant]:
    """All that is encoded of the pictures before `first_step` (from 0) is taken."""
    measured = [item.variant for batch in validation_batches(plan) for item in batch.items]
    return list(dict.fromkeys([*plan.all_variants(first_step), *measured]))


def _encoded_by(count: int) -> Sentence:
    return Sentence(
        "memory_encoding",
        "Memory ran out while pictures were encoded: it is now done with {count} at a time. The result stays the same.",
        count=count,
    )


def encode_captions(captions: CaptionSource, step: int, rates: Rates) -> Iterator[Event]:
    """Make the captions of `step` (from 0) and those after it ready; nothing where they are."""

    def note(seconds: float) -> None:
        rates.caption = seconds

    for done, total in paced(captions.prepare(step), note):
        yield Preparing(CAPTIONS, done, total)


def _assemble(
    config: TrainConfig,
    loan: Loan,
    plan: RunPlan,
    folder: RunFolder,
    loader: Loader,
    captions: CaptionSource,
    model: TrainingModel,
    sampler: Sampler,
    questions: Questions,
    pace: Pace,
) -> PreparedRun:
    info = loan.info
    noise = NoiseSchedule.scaled_linear(zero_terminal_snr=info.zero_terminal_snr).to(loan.device)
    objective = Objective(noise, info.prediction_type, config.loss)
    scaler = LossScaler(enabled=str(loan.dtype) == "torch.float16")
    stepper = Stepper(config, model, loader, captions, objective, scaler, plan.total_steps)
    relief = Relief(config, plan, model, stepper, sampler, partial(folder.note, "given_up_for_memory"))
    validation = Validation(stepper)
    return PreparedRun(
        config=config,
        plan=plan,
        model=model,
        captions=captions,
        stepper=stepper,
        validation=validation,
        sampler=sampler,
        saver=_saver(config, loan, plan, folder, model, validation),
        agenda=pace.course.agenda,
        meter=Meter(),
        pace=pace,
        scaler=scaler,
        relief=relief,
        probes=Probes(questions, stepper, noise, info.prediction_type),
        thermometer=Thermometer(partial(temperature, model.device)),
    )


def _saver(
    config: TrainConfig, loan: Loan, plan: RunPlan, folder: RunFolder, model: TrainingModel, validation: Validation
) -> Saver:
    info = loan.info
    return Saver(
        config,
        info,
        loan.sha256,
        plan,
        model,
        folder,
        validation.best_of,
        session_id=uuid.uuid4().hex,
        started_at=time.time(),
        base=fingerprint(Path(info.path)) if info.path else "",
    )


def course_of(config: TrainConfig, plan: RunPlan, captions: Sequence[tuple[int, int]] = ()) -> Course:
    """What a run consists of; `captions` are those that are encoded on the way (see CaptionSource.ahead)."""
    agenda = Agenda(config, plan.total_steps, plan.steps_per_epoch)
    denoised, decoded = passes_of_samples(sample_requests(config, plan.pictures))
    return Course(
        plan, agenda, validated=passes_of_validation(plan), denoised=denoised, decoded=decoded, captions=captions
    )
