"""What the program arranges in a process of its own; as a library in somebody else's it leaves all this alone."""

from __future__ import annotations

import gc
import os
import sys

_begun = False


def begin() -> None:
    """Call first of all, before torch is imported."""
    global _begun
    _begun = True
    # With several threads, MKL's results depend on where in memory matrices happen to lie and which thread is done
    # first, unless it is told otherwise before its first use. A resumed run is to end bit-identical.
    os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
    # oneDNN keeps the kernels that it has made, 1,024 of them by default, the oldest going first. A U-Net needs some
    # 500 for every shape of pictures, so with a few buckets all would be made anew in every step.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "16384")
    # Imports make a million objects that stay; looking through them after every 700 new ones takes a second.
    gc.set_threshold(100_000, 50, 100)
    let_runs_have_their_turn()


def let_runs_have_their_turn() -> None:
    """A run's thread wants Python's lock again after every operation of a step; usually it waits for up to 5 ms.

    Whoever answers visitors meanwhile gives it up after half of one.
    """
    sys.setswitchinterval(0.0005)


def share_cores(runs: int) -> None:
    """So many runs are to use the processor at once, in this process and those that it begins: before torch is there.

    Who has said already how many threads there are to be, is obeyed.
    """
    if runs > 1:
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // runs)))


def everything_is_imported() -> None:
    """What is there now is there for good: the collector need not look through it each time that memory is freed."""
    if _begun:
        gc.freeze()
