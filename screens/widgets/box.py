"""A bordered box with rows in it, as high as what it holds."""

from __future__ import annotations

from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from screens.view.rows import BLANK, Row
from screens.widgets.paint import paint


class Box(Widget):
    """Rows under a border; the title stands in the border."""

    def __init__(self, title: str, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.border_title = title
        self._rows: tuple[Row, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        return self._rows

    def show(self, rows: tuple[Row, ...]) -> None:
        if rows != self._rows:
            grows = len(rows) != len(self._rows)
            self._rows = rows
            self.refresh(layout=grows)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._rows)

    def render_line(self, y: int) -> Strip:
        # Lines come with the border; only those inside are rows.
        return paint(self, self._rows[y] if 0 <= y < len(self._rows) else BLANK, self.size.width)
