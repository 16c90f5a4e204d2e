"""A grid on one picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from ..sentences import Sentence
from .scoring import scores_by_number

if TYPE_CHECKING:
    from .grid import Grid

SHEET = "sheet.png"


def write_sheet(grid: Grid) -> Path:
    """All pictures so far on one sheet: a column for each strength, a row for each save and prompt, with the scores
    that there are. Raises UserError when there are no pictures."""
    from PIL import Image

    from ..config import SampleOptions
    from ..data.pictures import DECODER_ERRORS
    from ..judging.sheet import Score
    from ..sampling.infotext import PARAMETERS, write_png
    from ..tryout import Cell, GridRequest, sheet

    files = {name: grid.job.folder.output / name for name in grid.saves}
    cells, scores, known, infotext = [], [], scores_by_number(grid), ""
    for cell in list(grid.cells):
        try:
            with Image.open(cell.path) as image:
                infotext = infotext or str(image.info.get(PARAMETERS, ""))
                picture = image.convert("RGB")
        except (*DECODER_ERRORS, Image.DecompressionBombError):  # gone or damaged meanwhile
            continue
        cells.append(Cell(files[cell.save], cell.strength, cell.prompt, grid.seed, picture, infotext))
        scores.append(known.get(cell.n, Score()))
    if not cells:
        raise UserError(Sentence("no_pictures", "There are no pictures yet."))
    asked = grid.request
    request = GridRequest(list(files.values()), asked.prompts, asked.strengths, [grid.seed], SampleOptions())
    proposal = grid.verdict.proposal if grid.verdict else None
    proposed = (files[proposal.save], proposal.strength) if proposal and proposal.save in files else None
    path = grid.folder / SHEET
    write_png(path, sheet(cells, request, scores, proposed), infotext)
    return path
