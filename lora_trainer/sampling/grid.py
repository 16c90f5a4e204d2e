"""The sheet of pictures on which anyone sees what a strength does, and what each save has learned."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from .lettering import Lettering

if TYPE_CHECKING:
    from PIL import Image

PAPER, INK, EMPTY, MARK = (250, 250, 248), (38, 40, 46), (232, 232, 228), (214, 90, 30)


def compose_grid(
    images: Sequence[Sequence[Image.Image | None]],
    column_labels: Sequence[str] = (),
    row_labels: Sequence[str] = (),
    notes: Sequence[Sequence[str]] = (),
    marked: Collection[tuple[int, int]] = (),
) -> Image.Image:
    """One RGB picture of all `images`, a sequence for each row, with labels above the columns and left of the rows.

    `notes`, as many as images, stand under the pictures; a frame is around those whose (row, column) is `marked`.

    Pictures keep their size and stand in the middle of cells as large as the largest; None leaves a cell empty. Labels
    may have several lines, and are broken and shortened where they are too long. Raises ValueError when there are no
    pictures, or more labels than rows or columns.
    """
    from PIL import Image as Pictures

    pictures = [image for row in images for image in row if image is not None]
    columns = max((len(row) for row in images), default=0)
    if not pictures:
        raise ValueError("A grid needs at least one picture.")
    if len(column_labels) > columns or len(row_labels) > len(images):
        raise ValueError(f"{columns} columns and {len(images)} rows cannot have more labels than that.")
    cell = (max(image.width for image in pictures), max(image.height for image in pictures))
    sheet = _Sheet(cell, (columns, len(images)), column_labels, row_labels, notes)
    page = Pictures.new("RGB", sheet.size, PAPER)
    sheet.write_labels(page)
    for row, line in enumerate(images):
        for column in range(columns):
            image = line[column] if column < len(line) else None
            if (row, column) in marked:
                page.paste(MARK, sheet.frame(column, row))
            page.paste(EMPTY if image is None else image.convert("RGB"), sheet.box(column, row, image))
    return page


class _Sheet:
    """Measures of a sheet, all derived from the size of a cell, so that it looks alike for 64 and for 1024 pixels."""

    def __init__(
        self,
        cell: tuple[int, int],
        count: tuple[int, int],
        above: Sequence[str],
        left: Sequence[str],
        below: Sequence[Sequence[str]] = (),
    ) -> None:
        self.cell = cell
        self.gap = max(4, min(cell) // 32)
        self.letters = Lettering(max(13, min(cell) // 16), [*above, *left])
        lines = max(1, cell[1] // self.letters.line_height)
        self.above = [self.letters.wrap(label, cell[0], 3) for label in above]
        self.left = [self.letters.wrap(label, max(160, cell[0]), lines) for label in left]
        margin = 3 * self.gap
        self.x = margin + max((self.letters.width(label) + 2 * self.gap for label in self.left), default=0)
        self.y = margin + max((self.letters.height(label) + self.gap for label in self.above), default=0)
        self.below = [[self.letters.wrap(note, cell[0], 3) for note in row] for row in below]
        noted = max((self.letters.height(note) for row in self.below for note in row if note), default=0)
        self.pitch = (cell[0] + self.gap, cell[1] + noted + self.gap)
        width, height = (count[axis] * self.pitch[axis] - self.gap for axis in (0, 1))
        self.size = (self.x + width + margin, self.y + height + margin)

    def corner(self, column: int, row: int) -> tuple[int, int]:
        return self.x + column * self.pitch[0], self.y + row * self.pitch[1]

    def frame(self, column: int, row: int) -> tuple[int, int, int, int]:
        """The cell with a margin around it."""
        (left, top), margin = self.corner(column, row), max(3, self.gap - 1)
        return left - margin, top - margin, left + self.cell[0] + margin, top + self.cell[1] + margin

    def box(self, column: int, row: int, image: Image.Image | None) -> tuple[int, int, int, int]:
        """Where `image` goes: the middle of its cell, or all of it when there is none."""
        (left, top), (width, height) = self.corner(column, row), image.size if image else self.cell
        left, top = left + (self.cell[0] - width) // 2, top + (self.cell[1] - height) // 2
        return left, top, left + width, top + height

    def write_labels(self, page: Image.Image) -> None:
        """Columns' labels stand on the pictures' upper edge, rows' against the left one, notes on the lower one."""
        for column, label in enumerate(self.above):
            left = self.corner(column, 0)[0] + (self.cell[0] - self.letters.width(label)) // 2
            self.letters.write(page, (left, self.y - self.gap - self.letters.height(label)), label, INK)
        for row, label in enumerate(self.left):
            top = self.corner(0, row)[1] + (self.cell[1] - self.letters.height(label)) // 2
            self.letters.write(page, (self.x - 2 * self.gap - self.letters.width(label), top), label, INK)
        for row, notes in enumerate(self.below):
            for column, note in enumerate(notes):
                left, top = self.corner(column, row)
                middle = left + (self.cell[0] - self.letters.width(note)) // 2
                self.letters.write(page, (middle, top + self.cell[1] + self.gap // 2), note, INK)
