"""Read a table in pieces with known ends, so that a piece can be read again and a transfer goes on where it stood."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from console.transfer.data.inventory import SourceTable, quoted

Key = tuple[Any, ...]
_ROWID_NAMES = ("rowid", "_rowid_", "oid")


@dataclass(frozen=True)
class Range:
    """Rows after `after` up to and including `until`; None is without an end on that side."""

    after: Key | None = None
    until: Key | None = None


class Rows:
    """One table of an open file, in the order of its key."""

    def __init__(self, lite: sqlite3.Connection, table: SourceTable) -> None:
        self._lite = lite
        self._table = quoted(table.name)
        names = {column.name.lower() for column in table.columns}
        rowid = next((name for name in _ROWID_NAMES if name not in names), "")
        self.key = (rowid,) if table.has_rowid and rowid else table.key
        """What tells rows apart, as SQL names it; empty only for a table that hides its rowid and has no key."""
        self._order = ", ".join(name if name == rowid else quoted(name) for name in self.key)
        self._columns = ", ".join(quoted(column.name) for column in table.columns)

    def pieces(self, size: int, after: Key | None = None) -> Iterator[Range]:
        """Ranges of `size` rows, one after the other; the last one has no end."""
        while True:
            end = self._key_at(Range(after), size - 1) if self.key else None
            yield Range(after, end)
            if end is None:
                return
            after = end

    def halves(self, piece: Range) -> tuple[Range, Range] | None:
        """Cut a range in two; None for a range of one row or none."""
        count = self.count(piece)
        if count < 2 or not self.key:
            return None
        middle = self._key_at(piece, count // 2 - 1)
        return Range(piece.after, middle), Range(middle, piece.until)

    def read(self, piece: Range, columns: Sequence[str] | None = None) -> sqlite3.Cursor:
        """The rows of a range in the order of the key. Computed columns are read like others."""
        wanted = ", ".join(map(quoted, columns)) if columns is not None else self._columns
        where, values = self._where(piece)
        order = f" ORDER BY {self._order}" if self.key else ""
        return self._lite.execute(f"SELECT {wanted} FROM {self._table}{where}{order}", values)

    def count(self, piece: Range) -> int:
        where, values = self._where(piece)
        return int(self._lite.execute(f"SELECT count(*) FROM {self._table}{where}", values).fetchone()[0])

    def _key_at(self, piece: Range, number: int) -> Key | None:
        where, values = self._where(piece)
        query = f"SELECT {self._order} FROM {self._table}{where} ORDER BY {self._order} LIMIT 1 OFFSET {number}"
        found = self._lite.execute(query, values).fetchone()
        return tuple(found) if found is not None else None

    def _where(self, piece: Range) -> tuple[str, Key]:
        places = f"({', '.join('?' * len(self.key))})"
        own = f"({self._order})"
        conditions = [f"{own} > {places}"] if piece.after is not None else []
        conditions += [f"{own} <= {places}"] if piece.until is not None else []
        where = " WHERE " + " AND ".join(conditions) if conditions else ""
        return where, (*(piece.after or ()), *(piece.until or ()))
