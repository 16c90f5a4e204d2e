"""What somebody says of a run: stars, a remark, that it is put away, and votes. It lies beside the run's files."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..files.atomic import write_text
from ..sentences import Sentence

FILE = "notes.json"
MOST_STARS, LONGEST_COMMENT = 5, 4000
_writing = threading.Lock()


@dataclass(frozen=True)
class Vote:
    """A choice between a picture of this run and one of the run `other`. `won` is the id of one of them, or empty.

    `about` says what was looked at: the picture's kind, prompt, seed and strength. `by` is who chose.
    """

    other: str
    won: str
    about: str = ""
    by: str = ""
    at: float = 0.0


@dataclass(frozen=True)
class Notes:
    """`rating`: 0 for none, else 1 to 5 stars."""

    rating: int = 0
    comment: str = ""
    archived: bool = False
    votes: tuple[Vote, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What a reader is shown: votes are told by their results alone."""
        return {"rating": self.rating, "comment": self.comment, "archived": self.archived}


def read_notes(path: Path) -> Notes:
    """What was noted; nothing where there is no file, or none that can be read."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Notes(
            _stars(int(values.get("rating", 0))),
            str(values.get("comment", "")),
            bool(values.get("archived", False)),
            tuple(_vote(vote) for vote in values.get("votes", ())),
        )
    except (OSError, ValueError, TypeError, AttributeError):
        return Notes()


def change_notes(path: Path, **changes: Any) -> Notes:
    """Put new values into the notes; they are on the disk on return.

    Raises UserError for stars or a remark beyond what there can be, and when the file cannot be written.
    """
    rating, comment = changes.get("rating", 0), changes.get("comment", "")
    if not 0 <= rating <= MOST_STARS:
        sentence = "A rating is a number of stars from 0 (none) to {most}, not {value}."
        raise UserError(Sentence("rating", sentence, most=MOST_STARS, value=rating))
    if len(comment) > LONGEST_COMMENT:
        raise UserError(Sentence("comment_long", "A remark holds at most {most} letters.", most=LONGEST_COMMENT))
    if "comment" in changes:
        changes["comment"] = comment.encode("utf-8", "replace").decode()  # halves of characters are no text
    return _written(path, lambda notes: replace(notes, **changes))


def add_vote(path: Path, vote: Vote) -> Notes:
    """Keep a vote. Raises UserError."""
    return _written(path, lambda notes: replace(notes, votes=(*notes.votes, vote)))


def _written(path: Path, change: Callable[[Notes], Notes]) -> Notes:
    with _writing:
        notes = change(read_notes(path))
        write_text(path, json.dumps(asdict(notes), ensure_ascii=False, indent=1))
    return notes


def _vote(values: Mapping[str, Any]) -> Vote:
    known = {item.name for item in fields(Vote)}
    return Vote(**{key: value for key, value in values.items() if key in known})


def _stars(number: int) -> int:
    return max(0, min(MOST_STARS, number))
