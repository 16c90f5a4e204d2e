"""How many pictures there are: none, few, or more than a training sees often enough."""

from __future__ import annotations

from collections.abc import Iterator

from ...resolve import MOST_SHOWINGS, SEEN_OFTEN
from ...sentences import Sentence
from ..findings import ERROR, HINT, WARNING, Finding
from ..subject import Subject
from .table import CHECKS

FEW, BETTER = 5, 10
"""With fewer than the first, one look is learned by heart; from the second on, a subject is seen from several sides."""


@CHECKS.register("amount")
def amount(subject: Subject) -> Iterator[Finding]:
    count = sum(case.learned for case, _ in subject.usable)
    if not count:
        yield Finding(
            ERROR,
            Sentence("health_none", "There is no picture that can be trained on."),
            Sentence("health_none_advice", "Add pictures, or mend or include those that are left out."),
        )
    elif count < FEW:
        yield Finding(
            WARNING,
            Sentence("health_few", "Few pictures: only {count}.", count=count),
            Sentence(
                "health_few_advice",
                "Add others of the same subject: {better} or more, as different as can be.",
                better=BETTER,
            ),
        )
    elif count * SEEN_OFTEN > MOST_SHOWINGS:
        yield Finding(
            HINT,
            Sentence(
                "health_many",
                "{count} pictures are many: seen {often} times each, they make a run of {showings} showings, where "
                "{enough} are enough for most goals.",
                count=count,
                often=SEEN_OFTEN,
                showings=SEEN_OFTEN * count,
                enough=MOST_SHOWINGS,
            ),
            Sentence("health_many_advice", "That takes long. The best of them alone often make the better LoRA."),
        )
