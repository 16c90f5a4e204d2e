"""Blind votes: two pictures of the same prompt, seed and strength, drawn so that nothing tells whose they are."""

from __future__ import annotations

import hashlib
import itertools
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import NotFound, UserError
from ..files.png import without_texts
from ..sentences import Sentence
from .notes import Vote, add_vote
from .past import Past
from .shots import SAMPLE, Shot

LEFT, RIGHT, SAME = "left", "right", "same"
SIDES = (LEFT, RIGHT)
MOST_OPEN = 500
"""Ballots that wait for a vote; the oldest are forgotten."""
LONGEST_PROMPT = 120
EARLY = 0.5
"""Samples of the first half of a run say little of the run."""


@dataclass(frozen=True)
class Ballot:
    """Two pictures to choose from, in the order in which they are shown. `voter` is who asked for it."""

    id: str
    runs: tuple[Past, Past]
    shots: tuple[Shot, Shot]
    voter: str = ""

    @property
    def about(self) -> str:
        return _words_of(self.shots[0])

    def picture(self, side: str) -> bytes:
        """A picture without what its file says of how it was made. Raises NotFound."""
        if side not in SIDES:
            raise NotFound(Sentence("no_side", "A ballot has a left and a right picture, not '{side}'.", side=side))
        try:
            return without_texts(self.shots[SIDES.index(side)].path.read_bytes())
        except OSError:
            raise NotFound(Sentence("ballot_gone", "This picture is not there any more: go on to the next.")) from None


class Ballots:
    """Those that are open, for all readers of a history. They end with the program; votes do not."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, Ballot] = OrderedDict()
        self._lock = threading.Lock()

    def draw(self, runs: Sequence[Past], voter: str = "") -> Ballot:
        """Two pictures of two of the runs: those that were voted on least, by chance among equals, sides by chance.

        Raises UserError when no two runs have comparable pictures.
        """
        choices = list(_pairs(runs))
        if not choices:
            raise UserError(
                Sentence(
                    "nothing_to_vote",
                    "These runs have no two pictures of the same prompt, seed and strength: vote on runs whose samples "
                    "have the same prompts and seed, or draw a grid of each with the same ones.",
                )
            )
        chance = secrets.SystemRandom()
        least = min(votes for votes, _ in choices)
        pair = chance.choice([pair for votes, pair in choices if votes == least])
        (one, one_shot), (other, other_shot) = pair if chance.random() < 0.5 else pair[::-1]
        ballot = Ballot(secrets.token_urlsafe(12), (one, other), (one_shot, other_shot), voter)
        with self._lock:
            self._open[ballot.id] = ballot
            while len(self._open) > MOST_OPEN:
                self._open.popitem(last=False)
        return ballot

    def get(self, ballot_id: str, voter: str = "") -> Ballot:
        """Raises NotFound for one that there is not, or that somebody else asked for."""
        with self._lock:
            ballot = self._open.get(ballot_id)
        if ballot is None or ballot.voter != voter:
            raise NotFound(Sentence("no_ballot", "This vote is over: go on to the next."))
        return ballot

    def cast(self, ballot_id: str, choice: str, voter: str = "") -> Ballot:
        """Keep a vote: left, right, or same where neither is better. Raises NotFound, UserError."""
        ballot = self.get(ballot_id, voter)
        if choice not in (*SIDES, SAME):
            raise UserError(Sentence("no_choice", "A vote is left, right or same, not '{choice}'.", choice=choice))
        with self._lock:
            if self._open.pop(ballot_id, None) is None:
                raise NotFound(Sentence("no_ballot", "This vote is over: go on to the next."))
        won = "" if choice == SAME else ballot.runs[SIDES.index(choice)].id
        first, second = sorted(ballot.runs, key=lambda run: run.id)
        add_vote(first.notes_file, Vote(second.id, won, ballot.about, voter, time.time()))
        return ballot


Side = tuple[Past, Shot]


def _pairs(runs: Sequence[Past]) -> Iterator[tuple[int, tuple[Side, Side]]]:
    """Comparable pictures of each two runs, with how often these were voted on."""
    telling = {run.id: _telling(run) for run in runs}
    for one, other in itertools.combinations(runs, 2):
        votes = [vote for vote in one.notes.votes if vote.other == other.id]
        votes += [vote for vote in other.notes.votes if vote.other == one.id]
        for about in telling[one.id].keys() & telling[other.id].keys():
            a, b = telling[one.id][about], telling[other.id][about]
            yield sum(vote.about == _words_of(a) for vote in votes), ((one, a), (other, b))


def _telling(run: Past) -> dict[tuple[object, ...], Shot]:
    """The pictures that speak for a run: the newest of each kind, and samples of its later half by their steps."""
    shots = [shot for shot in run.shots() if shot.strength != 0]
    last = max((shot.step for shot in shots), default=0)
    found: dict[tuple[object, ...], Shot] = {shot.about: shot for shot in shots}
    for shot in shots:
        if shot.kind == SAMPLE and EARLY * last < shot.step < last:
            found[(*shot.about, shot.step)] = shot
    return found


def _words_of(shot: Shot) -> str:
    """What was looked at; a long prompt by its beginning and a mark of its own."""
    prompt = shot.prompt
    if len(prompt) > LONGEST_PROMPT:
        mark = hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        prompt = f"{prompt[:LONGEST_PROMPT]}... {mark}"
    return f"{shot.kind}: {prompt} (seed {shot.seed}, strength {shot.strength:g})"
