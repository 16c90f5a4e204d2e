"""The states of a job, and which may follow which."""

from __future__ import annotations

QUEUED, PREPARING, RUNNING, PAUSED, STOPPING = "queued", "preparing", "running", "paused", "stopping"
FINISHED, STOPPED, FAILED, INTERRUPTED = "finished", "stopped", "failed", "interrupted"

NEXT: dict[str, frozenset[str]] = {
    QUEUED: frozenset({PREPARING, PAUSED, STOPPING, STOPPED, INTERRUPTED}),
    PREPARING: frozenset({RUNNING, PAUSED, STOPPING, STOPPED, FINISHED, FAILED, INTERRUPTED}),
    RUNNING: frozenset({PAUSED, STOPPING, STOPPED, FINISHED, FAILED, INTERRUPTED}),
    STOPPING: frozenset({PAUSED, STOPPED, FINISHED, FAILED, INTERRUPTED}),
    PAUSED: frozenset({QUEUED, STOPPING, STOPPED}),
    INTERRUPTED: frozenset({QUEUED, STOPPING, STOPPED}),
    FINISHED: frozenset({QUEUED}),
    STOPPED: frozenset({QUEUED}),
    FAILED: frozenset({QUEUED}),
}
"""From a state to those that may follow.

queued -> preparing -> running -> finished is the plain way. A pause gives the base back; resuming goes through queued
again. Stopping with a save needs the base once more, so a paused job that is to save goes to stopping and waits for its
turn there. A finished or stopped job may be trained further, a failed one may go on from its last state. A job is
interrupted when the program ended while it ran or waited for its turn: the next start of the program finds it so.
"""

IN_LINE = (QUEUED, STOPPING)
"""In which a job may wait for its turn."""
ON_THE_MODEL = (PREPARING, RUNNING, STOPPING)
ENDED = (FINISHED, STOPPED, FAILED)
RESTING = (PAUSED, INTERRUPTED)
"""Neither on the way nor at an end: somebody decides how it goes on."""
