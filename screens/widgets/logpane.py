"""The log pane: a window on a ring of lines. Drawing costs what is visible, however fast lines come."""

from __future__ import annotations

from screens.ring import LogRing
from screens.view.logs import log_row, log_title, source_width
from screens.view.rows import BLANK, Row
from screens.widgets.pane import Pane


class LogPane(Pane):
    """Shows the end of a ring while it follows, and stays on its lines once somebody scrolled up."""

    def __init__(self, name: str, ring: LogRing, *, id: str, number: str = "") -> None:  # noqa: A002 - Textual's name
        super().__init__(name, id=id, number=number)
        self.ring = ring
        self.following = True
        self.skip = 0
        self._seen = 0
        self._drawn_total = -1
        self._sources = 6

    @property
    def has_keys(self) -> bool:
        return False

    @property
    def line_count(self) -> int:
        return self.ring.shown_total - self.ring.shown_first

    def line_at(self, index: int) -> Row:
        position = index
        if not self.ring.shown_first <= position < self.ring.shown_total:
            return BLANK
        return log_row(self.ring.shown(position), self.room[0], self._sources, self.skip)

    def drain(self) -> None:
        """Look at the ring again: called ten times a second at most while lines come."""
        ring, height = self.ring, self.room[1]
        sources = source_width(ring, self.room[0])
        changed = sources != self._sources
        self._sources = sources
        if self.following:
            top = max(ring.shown_first, ring.shown_total - height)
            changed = changed or top != self.top or ring.shown_total != self._drawn_total
            self.top = top
            self._seen = ring.shown_total
        elif self.top < ring.shown_first:
            self.top = ring.shown_first
            changed = True
        self._drawn_total = ring.shown_total
        self._note = log_title(ring, self.following, max(0, ring.shown_total - self._seen))
        if changed:
            self.refresh()
        else:
            self._repaint_title()

    def follow(self) -> None:
        self.following = True
        self.drain()
        self.refresh()

    def stop(self) -> None:
        self.following = False
        self.drain()

    def restart(self) -> None:
        """After another filter: the end of what passes it."""
        self.top = self.ring.shown_first
        self._drawn_total = -1
        self.follow()

    def move(self, lines: int) -> None:
        self.scroll_lines(lines)

    def move_to_end(self, *, last: bool) -> None:
        if last:
            self.follow()
        else:
            self.scroll_lines(-self.ring.shown_total)

    def scroll_lines(self, lines: int) -> None:
        ring = self.ring
        bottom = max(ring.shown_first, ring.shown_total - self.room[1])
        wanted = max(ring.shown_first, min(self.top + lines, bottom))
        if lines < 0 and self.following and wanted != self.top:
            self.following = False
            self._seen = ring.shown_total
        if lines > 0 and wanted >= bottom and not self.following:
            self.follow()
            return
        if wanted != self.top:
            self.top = wanted
            self.refresh()
        self.drain()

    def scroll_sideways(self, cells: int) -> None:
        wanted = max(0, self.skip + cells)
        if wanted != self.skip:
            self.skip = wanted
            self.refresh()

    def _position(self) -> str:
        return f" {self.skip} cells right " if self.skip else ""
