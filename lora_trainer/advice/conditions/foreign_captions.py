"""Base and captions do not fit: what they say means nothing to the base, as anime tags to a base of photographs."""

from __future__ import annotations

from ...events import Event, Understood
from ...sentences import Sentence
from ..catalogue import CONDITIONS, Advice, Condition

FEWEST = 4
MUCH = 0.3
"""Of what everyday prompts do to the base's prediction. On pocket, captions of words that it knows do 0.48 to 0.72 of
it, even beside a new word; anime tags 0.19."""


class ForeignCaptions(Condition):
    """Two things must come together, measured on the base alone: the captions do not lower its loss on
    their own pictures, and they hardly move what it predicts. The first alone also holds for pictures of a kind that no
    words of the base's can describe."""

    name, title = "foreign_captions", "Base and captions do not fit"
    remedy = (
        "Caption the pictures in the base's own language (tags for bases of anime, sentences for most others), or "
        "train on a base that knows these words."
    )

    def see(self, event: Event) -> Advice | None:
        if not isinstance(event, Understood) or event.pictures < FEWEST:
            return None
        if event.gain > 0 or event.helped > event.pictures / 2 or event.said > MUCH * event.everyday:
            return None
        values = {
            "percent": round(100 * event.said / event.everyday),
            "helped": event.helped,
            "pictures": event.pictures,
        }
        said = (
            "The captions say little to this base: they move its predictions {percent} % as far as everyday prompts "
            "do, and help it with {helped} of {pictures} pictures. "
        )
        if event.tags > 0.5:
            tags = (
                "They are tags, which only bases know that were trained on them: write sentences, or take such a base."
            )
            return Advice(Sentence("advice_foreign_tags", said + tags, **values), pictures=True)
        other = (
            "Write them as that base's own captions are (tags for bases of anime), or take a base that knows the words."
        )
        return Advice(Sentence("advice_foreign_captions", said + other, **values), pictures=True)


CONDITIONS.add(ForeignCaptions.name, ForeignCaptions)
