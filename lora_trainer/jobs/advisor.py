"""What to set and what it will need, asked before a run: settings that fit, and memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from .. import options
from ..checks import check
from ..config import TrainConfig
from ..errors import ConfigError
from ..host.base import Host
from ..presets import GOALS, Preset
from ..recommend import Facts, Recommendation, recommend
from ..registry import suggest
from ..resolve import with_resolution
from ..sentences import Sentence

if TYPE_CHECKING:
    from ..data.records import DataSet
    from ..estimate.need import Need

MILDER = ("memory.checkpointing", "data.batch_size", "optimizer.accumulation", "data.resolution")
"""The options that are changed to make a run fit."""


@dataclass(frozen=True)
class Outlook:
    """What a run needs of memory. Where that is too much, `milder` are option values by path that fit, if any do."""

    need: Need
    milder: Mapping[str, Any]

    def sentence(self) -> Sentence:
        if self.need.fits:
            return self.need.sentence()
        if not self.milder:
            return self.need.sentence(Sentence("nothing_fits", "No gentler setting fits either: use another device."))
        changes = ", ".join(f"{path} {value}" for path, value in self.milder.items())
        return self.need.sentence(Sentence("try_milder", "Try {changes}.", changes=changes))


class Advisor:
    """Asks the pictures, the base's header and the device. Answers about memory take seconds and are remembered."""

    def __init__(self, host: Host, scan: Callable[[Any], DataSet], presets: Callable[[], Sequence[Preset]]) -> None:
        self._host, self._scan, self._presets = host, scan, presets
        self._lock = threading.Lock()
        self._known: dict[str, Outlook] = {}

    def recommend(self, config: TrainConfig, goal: str, kept: Mapping[str, Any]) -> Recommendation:
        """What to set for `goal`. Raises ConfigError for an unknown goal, and DataError or BaseModelError."""
        if goal not in GOALS:
            raise ConfigError([f"There is no goal '{goal}'. {suggest(goal, GOALS)}"])
        info = self._host.describe()
        pictures = self._scan(with_resolution(config, info).data).pictures
        facts = Facts.of(info, goal, pictures, config.data.trigger_word)
        return recommend(facts, self._presets(), kept)

    def outlook(self, config: TrainConfig) -> Outlook:
        """Raises ConfigError, DataError or BaseModelError as a training would."""
        from ..estimate.bases import base_shapes
        from ..estimate.need import need, what_fits

        check(config, lambda _: self._host.describe())
        info = self._host.describe()
        config = with_resolution(config, info)
        size = max(
            (picture.bucket for picture in self._scan(config.data).pictures), key=lambda bucket: bucket[0] * bucket[1]
        )
        key = repr((info, size, config.network, config.memory, config.optimizer, config.data.batch_size, config.base))
        with self._lock:  # one after another: each fills a core
            if key not in self._known:
                shapes = base_shapes(info)
                found = need(config, shapes, size)
                better = None if found.fits else what_fits(config, shapes, size)
                self._known[key] = Outlook(found, _changed(config, better[0]) if better else {})
            return self._known[key]


def _changed(before: TrainConfig, after: TrainConfig) -> dict[str, Any]:
    """The values of the options that differ, by path."""
    return {path: attrgetter(path)(after) for path in options.differences(before, after) if path in MILDER}
