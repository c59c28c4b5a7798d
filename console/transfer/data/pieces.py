"""Find out where a table differs, piece by piece: one hash on either side, and the server asked ahead.

Only for a key of one whole number, which both sides have an index for. While SQLite's rows of one stretch are hashed
here, the server hashes its own of the stretch before; almost nothing crosses the network.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from console.transfer.data.hashing import Compared
from console.transfer.data.inventory import quoted
from console.transfer.data.piece_text import PieceText
from console.transfer.data.ranges import Range
from console.transfer.data.records import Target
from console.transfer.data.schema import full_name
from console.transfer.data.source import BATCH_BYTES

ROWS = 250
STRETCH = 80
"""Pieces of one question to the server."""
AHEAD = 2
"""Questions that wait for their answer."""


@dataclass(frozen=True)
class Piece:
    """Rows after `after` up to and including `until`. `digest` is empty where they have to be looked at one by one."""

    after: int
    until: int
    rows: int
    digest: str


def can_cut(what: Compared) -> bool:
    """Whether a table can be compared in pieces."""
    return what.is_ordered and len(what.keys) == 1


def spans_that_differ(
    lite: sqlite3.Connection,
    target: Target,
    what: Compared,
    told: Callable[[int], None] = lambda rows: None,
) -> Generator[Range]:
    """The spans of keys in which something differs, in order; what lies between them is the same on both sides.

    The server's rows before SQLite's first and behind its last are spans of their own. Within a transaction.
    """
    key = quoted(what.keys[0].source.name)
    first = lite.execute(f"SELECT min({key}) FROM {quoted(what.table.source.name)}").fetchone()[0]
    if first is None:
        yield Range()
        return
    yield Range(None, (first,))
    last, text = first, PieceText(lite, what)
    waiting: deque[tuple[list[Piece], Future[list[tuple[int, str | None]]]]] = deque()
    with ThreadPoolExecutor(1, "transfer-compare") as other:
        for stretch in _stretches(_pieces(lite, what, text, first, told)):
            last = stretch[-1].until
            waiting.append((stretch, other.submit(_ask, target, what, text, stretch)))
            if len(waiting) > AHEAD:
                yield from _differing(*waiting.popleft())
        while waiting:
            yield from _differing(*waiting.popleft())
    yield Range((last,), None)


def _pieces(
    lite: sqlite3.Connection, what: Compared, text: PieceText, after: int, told: Callable[[int], None]
) -> Iterator[Piece]:
    size, count = 16, 1
    while (until := _end(lite, what, after, size)) is not None:
        found = text.here(after, until)
        yield Piece(after, until, found.rows, found.digest)
        after, count = until, count + found.rows
        size = max(1, min(ROWS, 4 * size, BATCH_BYTES * found.rows // (found.size + 1)))
        told(count)


def _end(lite: sqlite3.Connection, what: Compared, after: int, size: int) -> int | None:
    """The last key of the next `size` rows, or of fewer where there are no more; None behind the last row."""
    key = quoted(what.keys[0].source.name)
    behind = f"FROM {quoted(what.table.source.name)} WHERE {key} > ?"
    full = f"SELECT {key} {behind} ORDER BY {key} LIMIT 1 OFFSET ?"
    row = (
        lite.execute(full, (after, size - 1)).fetchone()
        or lite.execute(f"SELECT max({key}) {behind}", (after,)).fetchone()
    )
    end: int | None = row[0]
    return end


def _stretches(pieces: Iterator[Piece]) -> Iterator[list[Piece]]:
    stretch = []
    for piece in pieces:
        stretch.append(piece)
        if len(stretch) == STRETCH:
            yield stretch
            stretch = []
    if stretch:
        yield stretch


def _ask(target: Target, what: Compared, text: PieceText, stretch: list[Piece]) -> list[tuple[int, str | None]]:
    """The server's count of rows of each piece, and their hash where there are as many as here."""
    key, name = quoted(what.keys[0].name), full_name(what.table)
    rows = f"FROM {name} AS t WHERE {key} > p.after AND {key} <= p.until"
    query = (
        f"SELECT c.n, CASE WHEN c.n = p.n THEN ({text.there(f'{rows} ORDER BY {key}')}) END"
        " FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) WITH ORDINALITY AS p (after, until, n, place)"
        f" CROSS JOIN LATERAL (SELECT count(*) AS n {rows} OFFSET 0) AS c ORDER BY p.place"
    )
    values: tuple[list[Any], ...] = (
        [piece.after for piece in stretch],
        [piece.until for piece in stretch],
        [piece.rows for piece in stretch],
    )
    return target.execute(_escaped(query), values).fetchall()


def _escaped(query: str) -> bytes:
    """Names may hold the sign that begins a parameter."""
    return query.replace("%", "%%").replace("%%s::", "%s::").encode()


def _differing(stretch: list[Piece], answer: Future[list[tuple[int, str | None]]]) -> Iterator[Range]:
    """Pieces that differ, neighbours together."""
    marked = [
        (piece, not piece.digest or there != (piece.rows, piece.digest))
        for piece, there in zip(stretch, answer.result(), strict=True)
    ]
    for differs, group in groupby(marked, key=lambda one: one[1]):
        if differs:
            pieces = [piece for piece, _ in group]
            yield Range((pieces[0].after,), (pieces[-1].until,))
