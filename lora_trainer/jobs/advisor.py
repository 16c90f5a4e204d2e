"""What to set and what it will need, asked before a run: settings that fit, memory, and time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from .. import options
from ..checks import check
from ..config import TrainConfig
from ..errors import ConfigError, UserError
from ..events import Event
from ..host.base import BaseInfo, Host, host_for
from ..presets import GOALS, Preset
from ..recommend import Facts, Recommendation, in_words, memory_reason, precision_reason, recommend
from ..registry import suggest
from ..resolve import with_epochs, with_resolution
from ..sentences import Sentence
from .needs import Demand
from .stopping import interrupts_mean

if TYPE_CHECKING:
    from ..data.records import DataSet
    from ..estimate.duration import Duration
    from ..estimate.fits import Fits
    from ..estimate.need import Estimator, Need, Size
    from ..estimate.probe import Probe
    from ..training.survey import Survey

KEPT = 4
"""How many imagined models are remembered, each with all answers about it."""
ABOUT = ("base", "data.folders", "data.metadata", "data.trigger_word", "memory.device")
"""What a run is about: no recommendation says anything of it."""
LARGER = 2
"""Resolutions are looked for up to so many times the base's own: beyond, it draws everything twice."""


@dataclass(frozen=True)
class Outlook:
    """What a run needs of memory. Where that is too much, `milder` are option values by path that fit, if any do."""

    need: Need
    milder: Mapping[str, Any]

    def sentence(self) -> Sentence:
        if self.need.fits:
            return self.need.sentence()
        return self.need.sentence(_advice(self.milder))


@dataclass(frozen=True)
class Tried:
    """What trying a step has shown, and how long the run will last; where memory ran out, what would fit instead."""

    probe: Probe
    lasts: Duration | None
    milder: Mapping[str, Any]

    @property
    def fits(self) -> bool:
        """Whether there was room, and some is left for others."""
        from ..estimate.need import SHARE

        found = self.probe
        return not found.ran_out and (not found.total or found.peak <= SHARE * found.total)

    def to_json(self) -> dict[str, Any]:
        """Bytes and seconds; `seconds` is None where memory ran out. Sizes are (height, width)."""
        found, lasts = self.probe, self.lasts
        return {
            "fits": self.fits,
            "bytes": found.peak,
            "total": found.total,
            "how": found.how,
            "size": list(found.size),
            "count": found.count,
            "seconds": {"step": found.step_seconds, **lasts.seconds()} if lasts else None,
            "buckets": [asdict(bucket) for bucket in lasts.buckets] if lasts else [],
            "milder": dict(self.milder),
        }

    def sentence(self) -> Sentence:
        from ..estimate import duration

        if self.lasts is not None:
            return duration.sentence(self.probe, self.lasts)
        template = "A step on {count} x {width} x {height} needs more memory than {device} has. {advice}"
        height, width = self.probe.size
        values = {"count": self.probe.count, "width": width, "height": height, "device": self.probe.device}
        return Sentence("probe_ran_out", template, **values, advice=_advice(self.milder))


class Advisor:
    """Asks the pictures, the base's header and the device. Answers about memory take seconds and are remembered."""

    def __init__(self, host: Host, scan: Callable[[Any], DataSet], presets: Callable[[], Sequence[Preset]]) -> None:
        self._host, self._scan, self._presets = host, scan, presets
        self._lock = threading.Lock()
        self._estimators: dict[str, Estimator] = {}

    def recommend(self, config: TrainConfig, goal: str, kept: Mapping[str, Any]) -> Recommendation:
        """What to set for `goal`, and what of it is made gentler for the device: seconds where that is to be estimated.

        Raises ConfigError for an unknown goal or device, and DataError or BaseModelError.
        """
        if goal not in GOALS:
            raise ConfigError([f"There is no goal '{goal}'. {suggest(goal, GOALS)}"])
        info = self._host.describe()
        pictures = self._scan(with_resolution(config, info).data).pictures
        facts = Facts.of(info, goal, pictures, config.data.trigger_word)
        found = recommend(facts, self._presets(), kept)
        self._suit_device(found, config, info, kept)
        return found

    def _suit_device(self, found: Recommendation, config: TrainConfig, info: BaseInfo, kept: Mapping[str, Any]) -> None:
        """Say in which format the device holds the base, and make milder what is too much for its memory."""
        from ..estimate.need import gigabytes

        wanted = _here(self._host.settle(_taken(config, found.values)), self._host)
        wanted = with_resolution(wanted, info)
        size, data = _largest(self._scan(wanted.data)), wanted.data
        with self._lock:
            estimator = self._estimator(info, wanted)
            if "memory.precision" not in kept:
                sentence = precision_reason(estimator.device_name, estimator.precision)
                found.advise({"memory.precision": "auto"}, sentence)
            need = estimator.need(size, data.batch_size, wanted.memory.checkpointing)
            if not need.fits:
                changes = self._milder(info, wanted, size, kept)
                sizes = gigabytes(need.bytes), gigabytes(need.total)
                found.advise(changes, memory_reason(*sizes, need.device, changes))

    def outlook(self, config: TrainConfig) -> Outlook:
        """What memory a run needs, imagined. Raises ConfigError, DataError or BaseModelError as a training would."""
        known = self._survey(config)
        size = _largest(known.data)
        with self._lock:  # one after another: each fills a core
            estimator = self._estimator(known.info, known.config)
            found = estimator.need(size, known.config.data.batch_size, known.config.memory.checkpointing)
            return Outlook(found, {} if found.fits else self._milder(known.info, known.config, size))

    def demand(self, config: TrainConfig) -> Demand:
        """`outlook` as the line of jobs wants it: for whether a run fits a device."""
        found = self.outlook(config)
        return Demand(found.need.bytes, "" if found.need.fits else _advice(found.milder))

    def knows(self, config: TrainConfig) -> bool:
        """Whether `outlook` would answer at once. Raises as it does."""
        known = self._survey(config)
        question = (_largest(known.data), known.config.data.batch_size, known.config.memory.checkpointing)
        estimator = self._estimators.get(_layout(known.info, known.config))
        return estimator is not None and estimator.knows(*question)

    def fits(
        self,
        config: TrainConfig,
        *,
        tell: Callable[[int, int], None] = lambda done, total: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Fits | None:
        """The best batch and resolution for the device; None when `stop` said so. Raises as `outlook`.

        Takes some eight estimates. UserError where the device does not tell its memory.
        """
        from ..estimate.fits import Search

        known = self._survey(config)
        with self._lock:
            estimator = self._estimator(known.info, known.config)
            if not estimator.total:
                sentence = "{device} does not tell how much memory it has, so nobody knows what fits."
                raise UserError(Sentence("memory_untold", sentence, device=estimator.device_name))
            data = known.config.data
            largest = max(data.resolution, min(LARGER * known.info.native_resolution, data.bucket_most))
            search = Search(estimator, known.config, _largest(known.data), largest_side=largest, tell=tell, stop=stop)
            return search.run()

    def probe(
        self,
        config: TrainConfig,
        *,
        tell: Callable[[Event], None] = lambda event: None,
        tried: Callable[[int, int], None] = lambda done, total: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Tried | None:
        """Try a step on the device, with the host's base; None when `stop` said so meanwhile. Raises as a training.

        On a processor, what by its estimate is too much is not tried: a system that runs out ends programs.
        """
        from ..estimate import probe as probes
        from ..estimate.duration import duration

        known = self._survey(config)
        if (too_much := self._too_much_here(known)) is not None:
            return too_much
        host = host_for(self._host, known.config)
        interrupted = threading.Event()
        with interrupts_mean(self._host, interrupted.set):
            found = probes.probe(known, host, tell=tell, tried=tried, stop=lambda: stop() or interrupted.is_set())
        if found is None:
            return None
        if found.ran_out:
            with self._lock:
                return Tried(found, None, self._milder(known.info, known.config, _largest(known.data)))
        return Tried(found, duration(known, found), {})

    def _too_much_here(self, known: Survey) -> Tried | None:
        """The answer where a step would take more than the whole machine has."""
        from .. import devices
        from ..estimate.probe import Probe

        if devices.choose(known.config.memory.device).type != "cpu":
            return None
        size, count = _largest(known.data), known.config.data.batch_size
        with self._lock:
            need = self._estimator(known.info, known.config).need(size, count, known.config.memory.checkpointing)
            if not need.total or need.step.total <= need.total:
                return None
            milder = self._milder(known.info, known.config, size)
        return Tried(Probe(need.device, need.total, size, count, ran_out=True), None, milder)

    def _survey(self, config: TrainConfig) -> Survey:
        """The run, looked at as a training does, with a scan that is remembered."""
        from ..training.survey import Survey, folder_of

        config = _here(self._host.settle(config), self._host)
        check(config, lambda _: self._host.describe())
        info = self._host.describe()
        config = with_resolution(config, info)
        data = self._scan(config.data)
        config = with_epochs(config, data.pictures)
        return Survey(config, info, data, folder_of(config))

    def _estimator(self, info: BaseInfo, config: TrainConfig) -> Estimator:
        """The one for this base and network, made where it is not there."""
        from ..estimate.bases import base_shapes
        from ..estimate.need import Estimator

        key = _layout(info, config)
        if key not in self._estimators:
            packs = self._host.kind == "standalone"
            self._estimators[key] = Estimator(config, base_shapes(info), packs=packs)
            for old in list(self._estimators)[:-KEPT]:
                del self._estimators[old]
        return self._estimators[key]

    def _milder(self, info: BaseInfo, config: TrainConfig, size: Size, kept: Collection[str] = ()) -> dict[str, Any]:
        """Option values by path that fit, if any do; nothing of `kept` is among them."""
        from ..estimate.milder import CHANGED, milder

        found = milder(lambda candidate: self._estimator(info, candidate), config, size, kept)
        changed = options.differences(config, found) if found else ()
        return {path: attrgetter(path)(found) for path in changed if path in CHANGED}


def _here(config: TrainConfig, host: Host) -> TrainConfig:
    """A run's options with the host's own device, where they leave that open."""
    if config.memory.device != "auto":
        return config
    return replace(config, memory=replace(config.memory, device=str(getattr(host, "device", "auto"))))


def _taken(config: TrainConfig, values: Mapping[str, Any]) -> TrainConfig:
    """The run as it will be with recommended values: of the others, only what it is about stays."""
    given = options.to_values(config)
    about = {path: options.value_at(given, path) for path in ABOUT}
    return options.build(options.merged(options.unflattened(about), values))


def _layout(info: BaseInfo, config: TrainConfig) -> str:
    """What an imagined model depends on. Rates, alphas and the like change nothing of its memory."""
    network = replace(config.network, alpha=1.0, conv_alpha=1.0, block_rates={}, train_on="")
    optimizer = (config.optimizer.name, config.optimizer.arguments)
    text = (config.base.max_tokens, config.base.clip_skip)
    return repr((info, network, replace(config.memory, checkpointing="off"), optimizer, text))


def _largest(data: DataSet) -> Size:
    """The bucket with the most pixels, (height, width)."""
    return max((picture.bucket for picture in data.pictures), key=lambda bucket: bucket[0] * bucket[1])


def _advice(milder: Mapping[str, Any]) -> Sentence:
    if not milder:
        return Sentence("nothing_fits", "No gentler setting fits either: use another device.")
    return Sentence("try_milder", "Try {changes}.", changes=in_words(milder))
