"""Two pictures of the terminal, cell by cell: what it should show and what it was sent; and the bytes between them.

Textual sends a dirty region again whole, with colours and a reset for every segment. `Frame.take` reads those bytes
into the wanted picture; `Frame.flush` says what has to be sent so that the terminal shows it. Nothing is lost by not
flushing after every frame, which is what makes a slow terminal bearable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from rich.cells import cell_len

TOKEN = re.compile(
    r"\x1b\[([0-9;]*)([A-Za-z])|(\n)|([^\x1b\n]+)|(\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[?>=<][0-9;]*[$A-Za-z]+|\x1b.)"
)
POSITION = re.compile(r"\x1b\[\d+;\d+H")
JOINED_GAP = 4
"""Equal cells between two changes that are sent again rather than jumped over: a jump costs six bytes or more."""

LEAST_SCROLLED = 3
"""Lines that must have moved together before the terminal is asked to scroll."""

UNKNOWN = "\0"
Cells = list[str]


class Frame:
    """The picture of a terminal of `width` by `height` cells. Not known at first, so that everything is sent."""

    def __init__(self, width: int, height: int) -> None:
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        """Begin again with another size; nothing of the terminal is known."""
        self.width, self.height = width, height
        self._wanted = [[" "] * width for _ in range(height)]
        self._wanted_style = [[""] * width for _ in range(height)]
        self._row = self._column = 0
        self.forget()

    def forget(self) -> None:
        """Take nothing for granted that the terminal showed; the next flush sends every cell."""
        self._sent = [[UNKNOWN] * self.width for _ in range(self.height)]
        self._sent_style = [[""] * self.width for _ in range(self.height)]
        self._dirty = set(range(self.height))
        self._pen: tuple[int, int] | None = None
        self._pen_style: str | None = None

    def take(self, data: str) -> str:
        """Read a frame into the wanted picture; returns those sequences in it that draw nothing, to be sent as is."""
        style = ""
        others: list[str] = []
        for match in TOKEN.finditer(data):
            parameters, final, newline, text, other = match.groups()
            if text is not None:
                self._put(text, style)
            elif final == "m":
                style = _style(parameters)
            elif final == "H":
                row, _, column = parameters.partition(";")
                self._row, self._column = int(row or 1) - 1, int(column or 1) - 1
            elif newline is not None:
                self._row, self._column = self._row + 1, 0
            elif other is not None:
                others.append(other)
            else:
                others.append(match.group())
        return "".join(others)

    def flush(self) -> str:
        """The bytes that turn what was sent into what is wanted; empty when they are the same."""
        out: list[str] = []
        self._scroll(out)
        for y in sorted(self._dirty):
            wanted, style = self._wanted[y], self._wanted_style[y]
            sent, sent_style = self._sent[y], self._sent_style[y]
            if wanted == sent and style == sent_style:
                continue
            for begin, end in self._changes(wanted, style, sent, sent_style):
                self._send(out, y, begin, end)
            self._sent[y] = wanted.copy()
            self._sent_style[y] = style.copy()
        self._dirty.clear()
        if out and (self._row, self._column) != self._pen and 0 <= self._row < self.height:
            out.append(f"\x1b[{self._row + 1};{self._column + 1}H")
            self._pen = (self._row, self._column)
        return "".join(out)

    def _scroll(self, out: list[str]) -> None:
        """Let the terminal move lines that only went up, as logs do: a few bytes in place of a pane."""
        places = {}
        for y in self._dirty:
            cells = self._sent[y]
            if cells != self._wanted[y] and UNKNOWN not in cells and any(cell != " " for cell in cells):
                places[tuple(cells), tuple(self._sent_style[y])] = y
        moves: dict[int, list[int]] = {}
        for y in self._dirty:
            was = places.get((tuple(self._wanted[y]), tuple(self._wanted_style[y])), y)
            if was > y:
                moves.setdefault(was - y, []).append(y)
        if not moves:
            return
        by, rows = max(moves.items(), key=lambda move: len(move[1]))
        if len(rows) < LEAST_SCROLLED:
            return
        first, last = min(rows), max(rows) + by
        out.append(f"\x1b[m\x1b[{first + 1};{last + 1}r\x1b[{last + 1};1H" + "\n" * by + "\x1b[r")
        self._pen, self._pen_style = None, ""
        for grid, fill in ((self._sent, UNKNOWN), (self._sent_style, "")):
            grid[first : last + 1] = [*grid[first + by : last + 1], *([fill] * self.width for _ in range(by))]
        self._dirty.update(range(first, last + 1))

    def text(self) -> list[str]:
        """The wanted picture, for tests."""
        return ["".join(cells) for cells in self._wanted]

    def _put(self, text: str, style: str) -> None:
        y, x = self._row, self._column
        cells = list(text) if text.isascii() else list(_cells(text))
        self._column = x + len(cells)
        if not 0 <= y < self.height or x >= self.width:
            return
        cells = cells[: self.width - x]
        self._wanted[y][x : x + len(cells)] = cells
        self._wanted_style[y][x : x + len(cells)] = [style] * len(cells)
        self._dirty.add(y)

    @staticmethod
    def _changes(wanted: Cells, style: Cells, sent: Cells, sent_style: Cells) -> list[tuple[int, int]]:
        """The stretches of a row that differ, near ones of one style joined, wide characters never cut."""
        found: list[tuple[int, int]] = []
        for x in range(len(wanted)):
            if wanted[x] == sent[x] and style[x] == sent_style[x]:
                continue
            begin = x - 1 if wanted[x] == "" and x else x
            if found:
                last = found[-1][1]
                gap = range(last, begin)
                if begin <= last or (len(gap) <= JOINED_GAP and all(style[i] == style[last - 1] for i in gap)):
                    found[-1] = (found[-1][0], x + 1)
                    continue
            found.append((begin, x + 1))
        return [(begin, end + 1 if end < len(wanted) and wanted[end] == "" else end) for begin, end in found]

    def _send(self, out: list[str], y: int, begin: int, end: int) -> None:
        if self._pen != (y, begin):
            out.append(f"\x1b[{y + 1};{begin + 1}H")
        cells, styles = self._wanted[y], self._wanted_style[y]
        for style, group in groupby(range(begin, end), key=styles.__getitem__):
            if style != self._pen_style:
                out.append(_change(self._pen_style, style))
                self._pen_style = style
            out.append("".join(cells[x] for x in group))
        # At the right edge terminals differ on where the pen is.
        self._pen = (y, end) if end < self.width else None


class _Parts(NamedTuple):
    """SGR parameters by what they set; an empty colour is the terminal's own."""

    attributes: tuple[str, ...]
    foreground: str
    background: str


@lru_cache(maxsize=512)
def _parts(style: str) -> _Parts:
    attributes, foreground, background = [], "", ""
    parameters = style.split(";") if style else []
    at = 0
    while at < len(parameters):
        code = parameters[at]
        if code in {"38", "48"}:
            length = 3 if parameters[at + 1 : at + 2] == ["5"] else 5
            colour = ";".join(parameters[at : at + length])
            foreground, background = (colour, background) if code == "38" else (foreground, colour)
            at += length
            continue
        if code[:1] == "3" or (code[:1] == "9" and len(code) == 2):
            foreground = code if len(code) == 2 else foreground
            attributes += [code] if len(code) == 1 else []
        elif len(code) > 1 and code[:1] in {"4", "1"} and code != "1":
            background = code
        else:
            attributes.append(code)
        at += 1
    return _Parts(tuple(attributes), foreground, background)


@lru_cache(maxsize=4096)
def _change(old: str | None, new: str) -> str:
    """The shortest sequence from one style to another; None is an unknown one."""
    whole = f"\x1b[0;{new}m" if new else "\x1b[m"
    if old is None:
        return whole
    before, after = _parts(old), _parts(new)
    if before.attributes != after.attributes:
        return whole
    parts = []
    if before.foreground != after.foreground:
        parts.append(after.foreground or "39")
    if before.background != after.background:
        parts.append(after.background or "49")
    short = f"\x1b[{';'.join(parts)}m"
    return min(short, whole, key=len)


@lru_cache(maxsize=512)
def _style(parameters: str) -> str:
    """SGR parameters without those that only say "as usual": resets and default colours."""
    parts = parameters.split(";")
    if "38" in parts or "48" in parts:
        return parameters
    return ";".join(part for part in parts if part not in {"", "0", "39", "49"})


def _cells(text: str) -> Iterator[str]:
    """One item a cell: a wide character is followed by an empty one, a combining one joins the one before."""
    held = ""
    pad = 0
    for character in text:
        size = cell_len(character)
        if size == 0:
            held += character
            continue
        if held:
            yield held
            yield from [""] * pad
        held, pad = character, size - 1
    if held:
        yield held
        yield from [""] * pad
