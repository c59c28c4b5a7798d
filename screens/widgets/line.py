"""One line of text at the top or the bottom, repainted only when it changed."""

from __future__ import annotations

from textual.strip import Strip
from textual.widget import Widget

from screens.view.rows import BLANK, Row
from screens.widgets.paint import paint


class Line(Widget):
    """A row of the screen."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._row = BLANK

    @property
    def row(self) -> Row:
        return self._row

    def show(self, line: Row) -> None:
        if line != self._row:
            self._row = line
            self.refresh()

    def render_line(self, y: int) -> Strip:
        return paint(self, self._row if y == 0 else BLANK, self.size.width)


class Lines(Widget):
    """A few rows that are as high as what they hold."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._rows: tuple[Row, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        return self._rows

    def show(self, rows: tuple[Row, ...]) -> None:
        if rows == self._rows:
            return
        if len(rows) != len(self._rows):
            self.styles.height = len(rows)
        self._rows = rows
        self.refresh()

    def render_line(self, y: int) -> Strip:
        return paint(self, self._rows[y] if y < len(self._rows) else BLANK, self.size.width)
