"""Rows of toned text, the only thing that panes draw. A tone is a meaning; a theme turns it into colours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from rich.cells import cell_len, set_cell_size

Tone = Literal["text", "dim", "strong", "accent", "good", "warn", "bad", "info", "rule", "key", "bar", "badge"]

ELLIPSIS = "…"


class Span(NamedTuple):
    """A run of text with one tone."""

    text: str
    tone: Tone = "text"


@dataclass(frozen=True)
class Row:
    """One line. A row with a `key` can hold the cursor; equal keys are the same thing in the next picture."""

    spans: tuple[Span, ...] = ()
    key: str = ""

    @property
    def text(self) -> str:
        return "".join(span.text for span in self.spans)

    @property
    def width(self) -> int:
        return sum(cell_len(span.text) for span in self.spans)


Part = Span | str


def row(*parts: Part, key: str = "") -> Row:
    """Join parts into a row; plain strings have the tone `text`, empty ones vanish."""
    spans = tuple(Span(part) if isinstance(part, str) else part for part in parts)
    return Row(tuple(span for span in spans if span.text), key)


BLANK = Row()


def fit(text: str, width: int) -> str:
    """Shorten to `width` cells, with an ellipsis where something was cut."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + ELLIPSIS


def left(text: str, width: int) -> str:
    """Fit and pad on the right, to exactly `width` cells."""
    short = fit(text, width)
    return short + " " * (width - cell_len(short))


def right(text: str, width: int) -> str:
    """Fit and pad on the left, to exactly `width` cells."""
    short = fit(text, width)
    return " " * (width - cell_len(short)) + short


def fit_row(line: Row, width: int) -> Row:
    """Shorten a row to `width` cells, keeping tones."""
    if line.width <= width:
        return line
    kept: list[Span] = []
    room = width
    for span in line.spans:
        size = cell_len(span.text)
        if size < room:
            kept.append(span)
            room -= size
            continue
        kept.append(Span(fit(span.text + " ", room) if size == room else fit(span.text, room), span.tone))
        break
    return Row(tuple(kept), line.key)


def spread(start: Row, end: Row, width: int) -> Row:
    """Put one row at the left edge and another at the right; the right one goes first where both do not fit."""
    room = width - end.width - 1
    if room < min(start.width, 12):
        return fit_row(start, width)
    head = fit_row(start, room)
    return Row((*head.spans, Span(" " * (width - head.width - end.width)), *end.spans), start.key)


def wrap(text: str, width: int) -> list[str]:
    """Break at blanks into lines of at most `width` cells; a longer word is cut."""
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        current = ""
        for word in paragraph.split(" "):
            candidate = f"{current} {word}" if current else word
            if cell_len(candidate) <= width:
                current = candidate
                continue
            if current:
                lines.append(current)
            while cell_len(word) > width > 0:
                head = set_cell_size(word, width)
                lines.append(head)
                word = word[len(head) :]
            current = word
        lines.append(current)
    return lines


def wrapped(text: str, width: int, tone: Tone = "text", indent: int = 0) -> list[Row]:
    """Wrap into rows that begin `indent` cells in."""
    return [row(" " * indent, Span(line, tone)) for line in wrap(text, max(8, width - indent))]


def labelled(label: str, text: str, width: int, tone: Tone = "text", label_width: int = 12) -> list[Row]:
    """`label   text`, wrapped under itself."""
    lines = wrap(text, max(8, width - label_width - 1))
    first, rest = lines[0], lines[1:]
    return [
        row(Span(left(label, label_width), "dim"), " ", Span(first, tone)),
        *(row(" " * (label_width + 1), Span(line, tone)) for line in rest),
    ]


def column_width(texts: Iterable[str], least: int, most: int) -> int:
    """The width of the longest text, within limits."""
    return max(least, min(most, max((cell_len(text) for text in texts), default=0)))


def plain(rows: Sequence[Row]) -> str:
    """The rows as text, for tests and for copying."""
    return "\n".join(line.text.rstrip() for line in rows)
