"""A try-out on one picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from ..sentences import Sentence
from .scoring import scores_by_number

if TYPE_CHECKING:
    from .tryouts import TryOut


def write_sheet(tryout: TryOut) -> Path:
    """All pictures so far on one sheet: a column for each strength, a row for each save and prompt, with the scores
    that there are. Raises UserError when there are no pictures."""
    from PIL import Image

    from ..config import SampleOptions
    from ..judging.sheet import Score
    from ..sampling.infotext import PARAMETERS, write_png
    from ..tryout import Cell, GridRequest, sheet

    drawn = list(tryout.cells)
    if not drawn:
        raise UserError(Sentence("no_pictures", "There are no pictures yet."))
    files = {name: tryout.job.folder.output / name for name in tryout.saves}
    cells, infotext = [], ""
    for cell in drawn:
        with Image.open(cell.path) as image:
            infotext = infotext or str(image.info.get(PARAMETERS, ""))
            picture = image.convert("RGB")
        cells.append(Cell(files[cell.save], cell.strength, cell.prompt, tryout.seed, picture, infotext))
    asked = tryout.request
    request = GridRequest(list(files.values()), asked.prompts, asked.strengths, [tryout.seed], SampleOptions())
    known = scores_by_number(tryout)
    scores = [known.get(cell.n, Score()) for cell in drawn]
    proposal = tryout.verdict.proposal if tryout.verdict else None
    proposed = (files[proposal.save], proposal.strength) if proposal and proposal.save in files else None
    path = tryout.folder / "sheet.png"
    write_png(path, sheet(cells, request, scores, proposed), infotext)
    return path
