"""What a judge is: something that looks at pictures and answers some of three questions about them.

Another judge (one that knows faces, say) is one more file in this room that enters itself in `JUDGES`. Of several that
can answer a question, the first in the table does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..registry import Registry
from ..sentences import Sentence

if TYPE_CHECKING:
    from PIL.Image import Image

    from .learned import Learned

Seen = Any
"""What a judge remembers of a picture: only the judge that saw it can compare it."""


@dataclass(frozen=True)
class Settings:
    """What a judge is made with. `folder` is where the user's models lie (that of captioning, which has them already).

    `model` is a file or folder, or the name of one in the judge's own folder; without it the first that is found.
    """

    folder: Path
    model: str = ""
    architecture: str = ""
    device: str = "auto"


class Judge(Protocol):
    """Looks at pictures. `load` and `close` frame its work; a question that is not its own is answered by None."""

    name: str

    def missing(self) -> Sentence | None:
        """What it lacks, and where to put it; None when it can be loaded. Quick; nothing is ever downloaded."""

    def load(self, learned: Sequence[Learned], given_up: Callable[[], bool]) -> None:
        """Come up, and look at the pictures that were learned from, until `given_up` holds. Raises UserError."""

    def look(self, pictures: Sequence[Image]) -> list[Seen]:
        """What it sees in each RGB picture of a batch."""

    def likeness(self, seen: Seen) -> float | None:
        """How alike a picture is to those that were learned from."""

    def among_learned(self) -> list[float]:
        """How alike each of those is to the others; empty where nothing is known of that."""

    def suits(self, seen: Seen, texts: Sequence[str]) -> list[float] | None:
        """How well each text describes the picture."""

    def difference(self, one: Seen, other: Seen) -> float | None:
        """How far two pictures are apart, in a unit of its own; 0 for equal ones."""

    def close(self) -> None:
        """Free what `load` brought up. Twice is as once."""


Build = Callable[[Settings], Judge]

JUDGES: Registry[Build] = Registry("judge")
