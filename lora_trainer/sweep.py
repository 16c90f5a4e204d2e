"""The usual grid of a run's saves, and what is made of one: scores, and the proposal of a save and a strength."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .config import TrainConfig
from .events import Event, Sample, Validated
from .files.names import split_stem
from .host.base import Host
from .judging.base import Settings
from .judging.choice import Known
from .judging.learned import Learned
from .judging.sheet import Sheet, Shot
from .judging.verdict import Verdict, known_of, verdict
from .judging.words import has_word, prompts_without
from .tryout import Cell, GridRequest, draw_cells

if TYPE_CHECKING:
    from .run_folder import RunFolder

USUAL_STRENGTHS = (0.0, 0.4, 0.6, 0.8, 1.0)
"""0 comes first: what was learned must not be there."""
USUAL_SAVES, USUAL_PROMPTS = 4, 2
"""The last saves, beside the one with the lowest validation loss; the first prompts."""


def usual_prompts(config: TrainConfig, events: Iterable[Event]) -> list[str]:
    """The prompts of the run's samples, or the first captions that stood for them; else its word, or its name.

    One of them without the word follows, where the run has one: what was not to be learned must stay as it was.
    """
    drawn = (event.prompt for event in events if isinstance(event, Sample))
    prompts = config.samples.prompts or list(dict.fromkeys(drawn))
    word = word_of(config)
    prompts = prompts[:USUAL_PROMPTS] or [word or config.save.name]
    return [*prompts, *prompts_without(prompts, word)]


def word_of(config: TrainConfig) -> str:
    """The word that calls up what a run has learned; empty where it has none."""
    data = config.data
    return data.trigger_word or next((folder.trigger_word for folder in data.folders if folder.trigger_word), "")


def usual_grid(folder: RunFolder, config: TrainConfig) -> GridRequest:
    """The last saves of a run that has ended, and the best one by validation; drawn as its samples are."""
    events = list(folder.read_events())
    best = next((event.step for event in reversed(events) if isinstance(event, Validated) and event.best), 0)
    saves = [*folder.saves(), *([folder.lora] if folder.lora.is_file() else [])]
    earlier = [save for save in saves[:-USUAL_SAVES] if _step_of(save) == best]
    samples = config.samples
    return GridRequest(
        files=[*earlier, *saves[-USUAL_SAVES:]],
        prompts=usual_prompts(config, events),
        strengths=USUAL_STRENGTHS,
        seeds=[samples.seed],
        options=samples,
        resolution=config.data.resolution,
        clip_skip=config.base.clip_skip,
    )


def known_of_run(folder: RunFolder, word: str) -> Known:
    """The steps of a run's saves by the names of their files, and what validation said at them."""
    events = list(folder.read_events())
    last = max((getattr(event, "step", 0) for event in events), default=0)
    steps = {path.name: _step_of(path) or last for path in (*folder.saves(), folder.lora)}
    return known_of(events, steps, word)


def known_of_files(files: Sequence[Path], word: str) -> Known:
    """What the names of LoRA files tell of their steps."""
    return Known({file.name: _step_of(file) for file in files}, word=word)


def _step_of(file: Path) -> int:
    """The step in a save's name; 0 where it names none."""
    _, unit, number = split_stem(file.stem)
    return number or 0 if unit == "step" else 0


def base_line(request: GridRequest, word: str) -> list[GridRequest]:
    """What the base alone has to draw beside a grid for its cells to be compared.

    Everything, where 0 is none of the strengths; and the prompts without the word from another seed where there is
    only one.
    """
    bare = replace(request, files=list(request.files)[:1], strengths=[0.0])
    others = [prompt for prompt in request.prompts if not has_word(prompt, word)]
    line = [] if 0 in request.strengths else [bare]
    if others and len(request.seeds) == 1:
        line.append(replace(bare, prompts=others, seeds=[(request.seeds[0] + 1) % 2**32]))
    return line


def score_cells(
    host: Host,
    request: GridRequest,
    cells: Sequence[Cell],
    known: Known,
    learned: Sequence[Learned],
    settings: Settings,
) -> Verdict:
    """Scores for the cells of a grid, in their order, and the proposal. What the base has to draw beside them is drawn.

    `learned` may be empty: nobody then knows how alike a picture is to what was learned.
    """
    shots = _shots(cells, request, request.prompts)
    for line in base_line(request, known.word):
        shots += _shots(draw_cells(host, line), line, request.prompts)
    return verdict(Sheet(request.prompts, known.word, shots), known, learned, settings)


def _shots(cells: Iterable[Cell], request: GridRequest, prompts: Sequence[str]) -> list[Shot]:
    """Cells as judges take them; `prompts` are those of the whole sheet."""
    return [
        Shot(cell.file.name, cell.strength, list(prompts).index(request.prompts[cell.prompt]), cell.seed, cell.image)
        for cell in cells
    ]
