"""What the host's progress bars, its API and its Interrupt button know of a job of ours."""

from __future__ import annotations

import secrets
import time
from types import TracebackType

from ...errors import UserError
from ...sentences import Sentence

RELOAD_WAIT = 120.0
"""Seconds for which a reload is waited for; slow extensions take a minute."""


def page_is_up() -> bool:
    """Whether the host's page runs; while it is made anew ('Reload UI'), its Lora extension is not at work."""
    from modules import shared

    return bool(getattr(getattr(shared, "demo", None), "is_running", True))


def wait_for_page() -> None:
    """Until the host has made its page anew, if it is about it."""
    last = time.monotonic() + RELOAD_WAIT
    while not page_is_up() and time.monotonic() < last:
        time.sleep(0.1)


class HostJob:
    """A job in the host's state, from entering to leaving; enter under the host's lock.

    Pictures that are drawn in between overwrite the state; `report` after one puts the job's own back.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._task = f"task(train-lora-{secrets.token_hex(4)})"
        self._since = time.time()

    def __enter__(self) -> HostJob:
        self.begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()

    def begin(self) -> None:
        """Show the job, for the first time or again. The host clears its stop flags."""
        from modules import progress, shared

        shared.state.begin(job=self.name)
        shared.state.time_start = self._since
        progress.start_task(self._task)

    def report(self, step: int, total: int, text: str = "") -> None:
        """`step` of `total` steps are done; `text` says what is going on."""
        from modules import shared

        state = shared.state
        if state.job != self.name:
            self.begin()
        state.job_count, state.job_no = 1, 0
        state.sampling_steps, state.sampling_step = total, step
        state.textinfo = text or None

    def end(self) -> None:
        """Take the job out of the host's state, unless another's stands there."""
        from modules import progress, shared

        progress.finish_task(self._task)
        if shared.state.job == self.name:
            shared.state.end()

    @property
    def interrupted(self) -> bool:
        """Whether one of the host's buttons asks for an end: Interrupt, Skip, or 'interrupt after this image'."""
        from modules import shared

        state = shared.state
        return bool(state.interrupted or state.skipped or state.stopping_generation)

    def raise_if_stopped(self) -> None:
        """Raise UserError when one of the host's buttons asked for an end."""
        if self.interrupted:
            raise UserError(Sentence("interrupted", "Interrupted in the WebUI."))
