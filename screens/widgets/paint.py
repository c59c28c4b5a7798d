"""Rows to strips, in the look of the app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from screens.themes import Look, look
from screens.view import words
from screens.view.rows import Row, Span

if TYPE_CHECKING:
    from rich.style import Style


def look_of(widget: Widget) -> Look:
    """The app's look, and the dark one in an app that has none."""
    found = getattr(widget.app, "look", None)
    return found if isinstance(found, Look) else look("dark")


def is_ascii(widget: Widget) -> bool:
    return bool(getattr(widget.app, "ascii_only", False))


def paint(widget: Widget, line: Row, width: int, *, under: Style | None = None) -> Strip:
    """Draw a row to exactly `width` cells; `under` is laid under every tone, as for the row with the cursor."""
    styles = look_of(widget)
    table = words.ASCII if is_ascii(widget) else None
    segments = [_segment(span, styles, under, table) for span in line.spans]
    base = styles.base if under is None else styles.base + under
    return Strip(segments).adjust_cell_length(width, base)


def _segment(span: Span, styles: Look, under: Style | None, table: dict[int, int] | None) -> Segment:
    style = styles.badge if span.tone == "badge" else styles.tones[span.tone]
    text = span.text if table is None else span.text.translate(table)
    if under is not None and styles.selected_hides_tones:
        # Reversed, every coloured word would become a coloured block.
        return Segment(text, under)
    return Segment(text, style if under is None else style + under)
