"""Scores a sheet: every judge that lacks nothing looks at all pictures once, and then they are compared."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from itertools import combinations
from statistics import fmean, stdev

from ..errors import UserError
from ..portions import Portions
from ..sentences import Sentence
from .base import Judge, Seen
from .learned import Learned
from .sheet import Cell, Judgement, Score, Sheet, Shot
from .words import without_word

BATCH = 16
LEAST_WORTH = 0.02
"""A prompt that the base's own picture does not suit better than the other prompts, says nothing of faithfulness."""
QUESTIONS = ("likeness", "faithfulness", "change")

log = logging.getLogger(__name__)


class LeftOff(Exception):
    """The work was given up before its end; nothing is known then."""


def judge(
    sheet: Sheet,
    judges: Sequence[Judge],
    learned: Sequence[Learned] = (),
    given_up: Callable[[], bool] = lambda: False,
) -> Judgement:
    """What `judges` say of the sheet; each question is answered by the first of them that can.

    A judge that lacks something or fails is passed over, and what it says is kept as `missing`. Raises LeftOff when
    `given_up` holds between two batches.
    """
    missing: list[Sentence] = []
    answers: dict[str, list[float | None]] = {}
    names: dict[str, str] = {}
    learned_ones: Sequence[float] = ()
    for one in judges:
        if (lacks := one.missing()) is not None:
            missing.append(lacks)
            continue
        try:
            found, among_learned = _asked(one, sheet, learned, given_up)
        except LeftOff:
            raise
        except Exception as error:  # models of others fail in ways of their own; the pictures are there all the same
            log.info("The judge '%s' broke off.", one.name, exc_info=error)
            missing.append(_failed(one, error))
            continue
        for question, values in found.items():
            if question not in answers and any(value is not None for value in values):
                answers[question], names[question] = values, one.name
                learned_ones = among_learned if question == "likeness" else learned_ones
    columns = [answers.get(question, [None] * len(sheet.shots)) for question in QUESTIONS]
    scores = [Score(*values) for values in zip(*columns)]
    spread, samples = _spread(sheet.shots, scores, learned_ones)
    bare = _mean([score for shot, score in zip(sheet.shots, scores) if shot.is_bare])
    ceiling = fmean(learned_ones) if learned_ones else None
    return Judgement(scores, _cells(sheet.shots, scores), bare, spread, samples, ceiling, names, missing)


def _failed(one: Judge, error: Exception) -> Sentence:
    """Why a judge was of no use."""
    if isinstance(error, UserError) and isinstance(error.sentence, Sentence):
        return error.sentence
    reason = str(error) or type(error).__name__
    return Sentence("judge_failed", "{judge} could not look at the pictures: {reason}", judge=one.name, reason=reason)


def _asked(
    one: Judge, sheet: Sheet, learned: Sequence[Learned], given_up: Callable[[], bool]
) -> tuple[dict[str, list[float | None]], list[float]]:
    """A judge's answers to each question, shot by shot, and how alike the pictures that were learned from are."""
    try:
        one.load(learned, given_up)
        seen = _seen(one, sheet.shots, given_up)
        asked = {
            "likeness": _likeness(one, sheet, seen),
            "faithfulness": _faithfulness(one, sheet, seen),
            "change": _change(one, sheet, seen),
        }
        return asked, one.among_learned()
    finally:
        one.close()


def _seen(one: Judge, shots: Sequence[Shot], given_up: Callable[[], bool]) -> list[Seen]:
    """What a judge sees in each picture; batches are made smaller where memory runs out."""
    portions = Portions()
    portions.most = BATCH

    def look(part: slice) -> list[Seen]:
        if given_up():
            raise LeftOff
        return one.look([shot.open() for shot in shots[part]])

    return [seen for batch in portions.map(look, len(shots)) for seen in batch]


def _likeness(one: Judge, sheet: Sheet, seen: Sequence[Seen]) -> list[float | None]:
    return [one.likeness(what) if sheet.has_word(shot.prompt) else None for shot, what in zip(sheet.shots, seen)]


def _faithfulness(one: Judge, sheet: Sheet, seen: Sequence[Seen]) -> list[float | None]:
    """For prompts with the word: by how much better a picture suits its own prompt than the sheet's other ones do,
    as a share of that of the base's own picture. The word itself says nothing to a judge and is left away."""
    texts = [without_word(prompt, sheet.word) for prompt in sheet.prompts]
    bare = {place: seen[number] for place, number in sheet.bare().items()}

    def worth(what: Seen, text: str, others: Sequence[str]) -> float:
        suits = one.suits(what, [text, *others])
        return suits[0] - fmean(suits[1:]) if suits else 0.0

    def of(shot: Shot, what: Seen) -> float | None:
        text = texts[shot.prompt]
        before = bare.get((shot.prompt, shot.seed))
        others = [other for other in dict.fromkeys(texts) if other and other != text]
        if not (text and others) or before is None or not sheet.has_word(shot.prompt):
            return None
        most = worth(before, text, others)
        return worth(what, text, others) / most if most >= LEAST_WORTH else None

    return [of(shot, what) for shot, what in zip(sheet.shots, seen)]


def _change(one: Judge, sheet: Sheet, seen: Sequence[Seen]) -> list[float | None]:
    """For prompts without the word: the difference from the base's own picture of the same prompt and seed, where the
    largest difference between any two of the base's own pictures is 1."""
    bare = {place: seen[number] for place, number in sheet.bare().items()}
    unit = max((one.difference(a, b) or 0.0 for a, b in combinations(bare.values(), 2)), default=0.0)

    def of(shot: Shot, what: Seen) -> float | None:
        before = bare.get((shot.prompt, shot.seed))
        if not unit or before is None or sheet.has_word(shot.prompt):
            return None
        far = one.difference(what, before)
        return None if far is None else far / unit

    return [of(shot, what) for shot, what in zip(sheet.shots, seen)]


def _cells(shots: Sequence[Shot], scores: Sequence[Score]) -> list[Cell]:
    places = dict.fromkeys((shot.save, shot.strength) for shot in shots if not shot.is_bare)
    return [
        Cell(*place, _mean([score for shot, score in zip(shots, scores) if (shot.save, shot.strength) == place]))
        for place in places
    ]


def _mean(scores: Sequence[Score]) -> Score:
    def of(question: str) -> float | None:
        values = [value for score in scores if (value := getattr(score, question)) is not None]
        return fmean(values) if values else None

    return Score(*(of(question) for question in QUESTIONS))


def _spread(shots: Sequence[Shot], scores: Sequence[Score], among_learned: Sequence[float]) -> tuple[float | None, int]:
    """By how much likeness differs by chance, and in how many pictures of a cell it was measured.

    Some prompts are drawn more alike than others, and some cells too; what both together do not explain is chance: the
    rest of a table of cells x (prompt, seed) without the means of its rows and columns. Where the table has only one
    row or column, it is the spread among the pictures that were learned from, which is rather too large; else None.
    """
    table: dict[tuple[str, float], dict[tuple[int, int], float]] = {}
    for shot, score in zip(shots, scores):
        if not shot.is_bare and score.likeness is not None:
            table.setdefault((shot.save, shot.strength), {})[shot.prompt, shot.seed] = score.likeness
    columns = sorted(set.intersection(*(set(row) for row in table.values()))) if table else []
    if len(table) < 2 or len(columns) < 2:
        return (stdev(among_learned) if len(among_learned) > 2 else None), len(columns)
    rows = [[row[column] for column in columns] for row in table.values()]
    means = [fmean(column) for column in zip(*rows)]
    all_over = fmean(means)
    rests = [(value - fmean(row) - mean + all_over) ** 2 for row in rows for value, mean in zip(row, means)]
    return math.sqrt(sum(rests) / ((len(rows) - 1) * (len(columns) - 1))), len(columns)
