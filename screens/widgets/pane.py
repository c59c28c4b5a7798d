"""A pane: a title, rows under it, a cursor on those with a key. It holds what was last drawn, no truth of its own."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from screens.view.rows import BLANK, Row, Span, Tone, fit_row
from screens.widgets.paint import look_of, paint

GUTTER = 2


class Pane(Widget, can_focus=True):
    """Rows with a cursor. The owner gives rows with `show` and hears `Moved` and `Chosen`.

    The first line is the title; a row has one cell for the cursor's mark on its left and one for the scroll mark on
    its right. The first `pinned` rows stay while the others scroll. Only lines that differ from what is drawn are
    repainted.
    """

    class Moved(Message):
        """The cursor went to another key."""

        def __init__(self, pane: Pane, key: str) -> None:
            super().__init__()
            self.pane = pane
            self.key = key

    class Resized(Message):
        """Rows have to be computed again for another size."""

        def __init__(self, pane: Pane) -> None:
            super().__init__()
            self.pane = pane

    def __init__(self, name: str, *, id: str, number: str = "") -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.label = name
        self.number = number
        self.top = 0
        self.pinned = 0
        self.cursor = ""
        self._rows: Sequence[Row] = ()
        self._note = BLANK
        self._drawn_title = BLANK

    @property
    def room(self) -> tuple[int, int]:
        """Columns and lines that rows may use."""
        return max(0, self.size.width - GUTTER), max(0, self.size.height - 1)

    @property
    def rows(self) -> Sequence[Row]:
        return self._rows

    @property
    def line_count(self) -> int:
        return len(self._rows)

    @property
    def has_keys(self) -> bool:
        return any(line.key for line in self._rows)

    @property
    def title(self) -> Row:
        return self._title_row()

    def line_at(self, index: int) -> Row:
        return self._rows[index] if 0 <= index < len(self._rows) else BLANK

    def index_at(self, line: int) -> int:
        """Which row stands at a line of the pane, counted from under the title."""
        return line if line < self.pinned else self.top + line

    def show(self, rows: Sequence[Row], note: Row = BLANK, *, sight: str = "", pinned: int = 0) -> None:
        """Draw these rows; `sight` names a row to keep visible while there is no cursor."""
        old, old_top, was_pinned = self._rows, self.top, self.pinned
        self._rows = rows
        self._note = note
        self.pinned = pinned
        keys = [line.key for line in rows if line.key]
        if self.cursor and self.cursor not in keys:
            self.cursor = ""
        self._bring_into_sight(self.cursor or sight)
        self.top = max(0, min(self.top, self.line_count - self.room[1]))
        if self.top != old_top or (self.top and pinned != was_pinned):
            self.refresh()
            return
        for y in range(self.room[1]):
            index = self.index_at(y)
            if (old[index] if index < len(old) else BLANK) != (rows[index] if index < len(rows) else BLANK):
                self._repaint(y + 1)
        self._repaint_title()

    def move(self, lines: int) -> None:
        """Move the cursor, or scroll where rows have no keys."""
        if not self.has_keys:
            self.scroll_lines(lines)
            return
        keys = self._distinct_keys()
        at = keys.index(self.cursor) if self.cursor in keys else (-1 if lines > 0 else len(keys))
        self.put_cursor(keys[max(0, min(len(keys) - 1, at + lines))])

    def move_to_end(self, *, last: bool) -> None:
        if not self.has_keys:
            self.scroll_lines(self.line_count if last else -self.line_count)
            return
        keys = self._distinct_keys()
        self.put_cursor(keys[-1 if last else 0])
        if not last:
            self.scroll_lines(-self.line_count)

    def put_cursor(self, key: str) -> None:
        if key == self.cursor:
            return
        left, top = self.cursor, self.top
        self.cursor = key
        self._bring_into_sight(key)
        if self.top != top:
            self.refresh()
        else:
            for y in range(self.room[1]):
                line = self.line_at(self.index_at(y))
                if line.key and line.key in {left, key}:
                    self._repaint(y + 1)
        self.post_message(self.Moved(self, key))

    def scroll_lines(self, lines: int) -> None:
        wanted = max(0, min(self.top + lines, self.line_count - self.room[1]))
        if wanted != self.top:
            self.top = wanted
            self.refresh()

    def page(self) -> int:
        """Half a page, in lines."""
        return max(1, self.room[1] // 2)

    def _distinct_keys(self) -> list[str]:
        return list(dict.fromkeys(line.key for line in self._rows if line.key))

    def _bring_into_sight(self, key: str) -> None:
        if not key:
            return
        indexes = [index for index, line in enumerate(self._rows) if line.key == key]
        height = self.room[1]
        if not indexes or height <= 0:
            return
        if indexes[-1] < self.pinned:
            return
        first = indexes[0] - self.pinned
        if first < self.top:
            self.top = max(0, first - (1 if first == 1 or not self._rows[indexes[0] - 1].key else 0))
        elif indexes[-1] >= self.top + height:
            self.top = indexes[-1] - height + 1

    def _repaint(self, line: int) -> None:
        self.refresh(Region(0, line, self.size.width, 1))

    def _repaint_title(self) -> None:
        title = self._title_row()
        if title != self._drawn_title:
            self._drawn_title = title
            self._repaint(0)

    def _position(self) -> str:
        height, count = self.room[1], self.line_count
        if count <= height or height <= 0:
            return ""
        return f" {self.top + self.pinned + 1}–{min(count, self.top + height)} of {count} "

    def _title_row(self) -> Row:
        """`━ 1 Environments ━ note ━━━`: heavy for the pane that has the keys, light for the others."""
        focused = self.has_focus
        line = "━" if focused else "─"
        rule_tone: Tone = "accent" if focused else "rule"
        name = f" {self.number} {self.label} " if self.number else f" {self.label} "
        badge = Span(name, "badge" if focused else "strong")
        position = self._position()
        room = self.size.width - len(badge.text) - len(position) - 4
        note = fit_row(self._note, max(0, room))
        spans = [Span(line, rule_tone), badge]
        used = 1 + len(badge.text)
        if note.spans:
            spans += [Span(" "), *note.spans, Span(" ")]
            used += note.width + 2
        spans.append(Span(line * max(0, self.size.width - used - len(position)), rule_tone))
        spans.append(Span(position, "dim"))
        return Row(tuple(spans))

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y == 0:
            self._drawn_title = self._title_row()
            return paint(self, self._drawn_title, width)
        line = self.line_at(self.index_at(y - 1))
        if line.key and line.key == self.cursor:
            under = look_of(self).selected if self.has_focus else None
            mark = Span("▌" if self.has_focus else "›", "accent")
            return paint(self, Row((mark, *line.spans)), width, under=under)
        return paint(self, Row((Span(" "), *line.spans)), width)

    def on_focus(self, event: events.Focus) -> None:
        event.prevent_default()
        self._show_focus(has_focus=True)
        if self.parent is not None:
            self.parent.post_message(events.DescendantFocus(self))

    def on_blur(self, event: events.Blur) -> None:
        event.prevent_default()
        self._show_focus(has_focus=False)
        if self.parent is not None:
            self.parent.post_message(events.DescendantBlur(self))

    def _show_focus(self, *, has_focus: bool) -> None:
        """Draw the title and the line with the cursor, which is all that looks different; Textual would draw all."""
        self.has_focus = has_focus
        self._repaint(0)
        for y in range(1, self.room[1] + 1):
            line = self.line_at(self.index_at(y - 1))
            if line.key and line.key == self.cursor:
                self._repaint(y)

    def on_resize(self) -> None:
        self.post_message(self.Resized(self))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_lines(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_lines(-3)

    def on_click(self, event: events.Click) -> None:
        line = self.line_at(self.index_at(event.y - 1)) if event.y > 0 else BLANK
        if line.key:
            self.put_cursor(line.key)
