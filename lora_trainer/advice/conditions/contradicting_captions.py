"""Captions contradict: the same picture is there twice, and is said to show two things."""

from __future__ import annotations

from ...events import Compared, Event
from ...sentences import Sentence
from ..catalogue import CONDITIONS, Advice, Condition

SHARE = 0.05
"""Of all pictures; in a large set, a pair by chance does no harm that could be seen."""


class ContradictingCaptions(Condition):
    """Knows of copies only: what a single picture shows, nobody here can read."""

    name, title = "contradicting_captions", "Captions contradict"
    remedy = (
        "Look at the health report of the pictures: it names the copies and what is said of each. Mend the captions, "
        "or keep one picture of each."
    )

    def see(self, event: Event) -> Advice | None:
        if not isinstance(event, Compared) or len(event.contradicting) < max(2, SHARE * event.pictures):
            return None
        first, second, *_ = event.contradicting
        sentence = Sentence(
            "advice_contradicting_captions",
            "{count} of {total} pictures show the same as another one under a caption that contradicts: {first} is "
            "'{one}', {second} is '{other}'. Both are learned. Mend the captions, or keep one picture of each.",
            count=len(event.contradicting),
            total=event.pictures,
            first=first,
            second=second,
            one=event.captions[0],
            other=event.captions[1],
        )
        return Advice(sentence, pictures=True)


CONDITIONS.add(ContradictingCaptions.name, ContradictingCaptions)
