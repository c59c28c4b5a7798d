"""Load a table by COPY: SQLite's own tuples, written by psycopg's C code, parsed by the server.

In pieces, each one transaction with the record of how far it is. A row that cannot go is put in quarantine and costs no
other row: what a converter refuses is left out at once, what the server refuses is found by halving the piece.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg import sql

from console.transfer.data import records
from console.transfer.data.converters import Converter, Misfit
from console.transfer.data.inventory import quoted
from console.transfer.data.plan import ColumnPlan, TablePlan
from console.transfer.data.ranges import Range, Rows
from console.transfer.data.records import Refused, TableState, Target
from console.transfer.data.schema import computed_as
from console.transfer.data.source import read_batches
from console.transfer.data.survey import ColumnFacts

PIECE = 50_000
"""Rows of one transaction: a kill costs at most so many, and a refusal makes the server read them again."""

BATCH = 500
"""Rows read at once, which takes less time than one by one."""

ROWS_REFUSED = ("22", "23", "54")
"""Classes of SQLSTATE that speak of the values of a row: data exception, integrity, a limit of the program."""


class Stopped(Exception):
    """The transfer was asked to stop between two pieces."""


@dataclass(frozen=True)
class Loader:
    """Loads tables of one transfer."""

    lite: sqlite3.Connection
    target: Target
    transfer: str
    told: Callable[[str, int], None] = lambda table, rows: None
    stopped: Callable[[], bool] = lambda: False

    def load(self, table: TablePlan, state: TableState) -> TableState:
        """Load what is still missing of a table.

        Raises:
            Stopped: `stopped` said so. The next call goes on from there.
            psycopg.Error: The server failed in a way that no row is to blame for.
        """
        rows = Rows(self.lite, table.source)
        for piece in rows.pieces(PIECE, state.last_key):
            if self.stopped():
                raise Stopped
            with self.target.transaction():
                came, refused = self._load_piece(table, rows, piece)
                state = TableState(state.rows + came, state.quarantined + refused, piece.until, piece.until is None)
                if piece.until is None:
                    state = replace(state, last_key=None)
                records.note(self.target, self.transfer, table.source.name, state)
            self.told(table.source.name, state.rows + state.quarantined)
        return state

    def _load_piece(self, table: TablePlan, rows: Rows, piece: Range) -> tuple[int, int]:
        """Rows that came, and rows refused."""
        sent = Sender(table)
        try:
            with self.target.transaction():
                count = self._copy(sent, rows, piece)
        except psycopg.Error as problem:
            if (problem.sqlstate or "")[:2] not in ROWS_REFUSED:
                raise
            halves = rows.halves(piece)
            if halves is None:
                return self._refuse_by_server(sent, rows, piece, problem)
            parts = [self._load_piece(table, rows, half) for half in halves]
            return sum(came for came, _ in parts), sum(refused for _, refused in parts)
        if sent.refused:
            records.refuse(self.target, self.transfer, sent.refused)
        return count, len(sent.refused)

    def _copy(self, sent: Sender, rows: Rows, piece: Range) -> int:
        cursor = rows.read(piece, sent.columns)
        count = 0
        with self.target.cursor() as into, into.copy(sent.statement) as copy:
            if sent.kinds:
                copy.set_types(sent.kinds)
            write = copy.write_row
            for batch in read_batches(cursor, BATCH):
                for row in batch if sent.is_direct else sent.convert(batch):
                    write(row)
                    count += 1
        return count

    def _refuse_by_server(self, sent: Sender, rows: Rows, piece: Range, problem: psycopg.Error) -> tuple[int, int]:
        said = problem.diag.message_primary or str(problem)
        column = column_of(problem)
        found = [
            sent.as_refused(row, column, f"PostgreSQL refuses it: {said}") for row in rows.read(piece, sent.columns)
        ]
        records.refuse(self.target, self.transfer, found)
        return 0, len(found)


def column_of(problem: psycopg.Error) -> str:
    """The column that the server names: by itself, or in the context of a COPY."""
    if problem.diag.column_name:
        return str(problem.diag.column_name)
    context = problem.diag.context or ""
    return context.rpartition("column ")[2].partition(":")[0] if "column " in context else ""


class Sender:
    """What is sent of a table's rows, and what is refused on the way."""

    def __init__(self, table: TablePlan) -> None:
        self._table = table
        self._sent: Sequence[ColumnPlan] = [one for one in table.columns if computed_as(table, one) is None]
        self.columns = [one.source.name for one in self._sent]
        names = sql.SQL(", ").join(sql.Identifier(one.name) for one in self._sent)
        where = sql.Identifier(table.schema, table.name)
        self.statement = sql.SQL("COPY {} ({}) FROM STDIN").format(where, names)
        self._converters: list[tuple[int, Converter]] = [
            (number, convert) for number, one in enumerate(self._sent) if (convert := one.converter()) is not None
        ]
        self._needed = [number for number, one in enumerate(self._sent) if one.source.key]
        self.is_direct = not self._converters
        kinds = [_kind(one.facts) for one in self._sent]
        self.kinds = [kind for kind in kinds if kind] if self.is_direct and all(kinds) else []
        """How psycopg writes each column without a look at every value, which takes a third less time; or empty."""
        self.refused: list[Refused] = []

    def convert(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[Sequence[Any]]:
        for row in rows:
            values = list(row)
            try:
                for number, convert in self._converters:
                    values[number] = convert(values[number])
            except Misfit as problem:
                self.refused.append(self.as_refused(row, self.columns[number], str(problem)))
                continue
            yield values

    def as_refused(self, row: Sequence[Any], column: str, reason: str) -> Refused:
        values = dict(zip(self.columns, row, strict=True))
        key = {self.columns[number]: row[number] for number in self._needed}
        return Refused(self._table.source.name, key, column, reason, values)


def _kind(facts: ColumnFacts) -> str:
    """The type of PostgreSQL that SQLite's values of a column are written as; empty where they are of several kinds."""
    counts = {"int8": facts.integers, "float8": facts.reals, "text": facts.texts, "bytea": facts.blobs}
    kinds = [kind for kind, count in counts.items() if count]
    if facts.broken or len(kinds) > 1:
        return ""
    return kinds[0] if kinds else "text"


def count_rows(target: Target, table: TablePlan) -> int:
    row = target.execute(f"SELECT count(*) FROM {quoted(table.schema)}.{quoted(table.name)}".encode()).fetchone()
    return int(row[0]) if row else 0
