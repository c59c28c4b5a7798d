"""Write differences over there: new and changed rows by way of a table of the session, deletions by their keys.

Each batch is one transaction, with the note that it was ours. What somebody else wrote since the comparison is left
alone. A row that the server refuses costs no other row; one that waits for another row is tried again later.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import Rollback

from console.transfer.data import bases, records
from console.transfer.data.canonical import server_form
from console.transfer.data.compare import RowDifference
from console.transfer.data.converters import Converter, Misfit
from console.transfer.data.inventory import quoted
from console.transfer.data.load import ROWS_REFUSED, column_of
from console.transfer.data.parking import write_parking
from console.transfer.data.plan import ColumnPlan, TablePlan
from console.transfer.data.records import Refused, Target
from console.transfer.data.schema import computed_as, full_name

STAGE = "quarterdeck_stage"
MAY_WAIT = "23"
"""Class of SQLSTATE of a row that another row may help: the row it points to, or the one that has its unique value."""


@dataclass
class Written:
    """What became of a table's differences, in rows.

    Attributes:
        skipped: Somebody else wrote them while this went on.
        waiting: Refused because of other rows, with the server's words.
        own: Numbers of our transactions.
        refused: Numbers of the entries in quarantine.
    """

    upserted: int = 0
    deleted: int = 0
    skipped: int = 0
    waiting: list[tuple[RowDifference, str]] = field(default_factory=list)
    own: list[str] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)


class Applier:
    """Writes one table.

    Args:
        foreign: The expression that says whether somebody else wrote row `t` since the comparison.
    """

    def __init__(self, lite: sqlite3.Connection, target: Target, table: TablePlan, transfer: str, foreign: str) -> None:
        self._lite = lite
        self._target = target
        self._table = table
        self._transfer = transfer
        self._foreign = foreign
        self._columns = [one for one in table.columns if computed_as(table, one) is None]
        self._converters: list[Converter | None] = [one.careful_converter() for one in self._columns]
        names = ", ".join(quoted(one.source.name) for one in self._columns)
        where = " AND ".join(f"{quoted(one.source.name)} = ?" for one in table.key)
        self._select = f"SELECT {names} FROM {quoted(table.source.name)} WHERE {where}"
        self.written = Written()

    def prepare(self) -> None:
        """Make the session's own table."""
        names = ", ".join(quoted(one.name) for one in self._columns)
        self._target.execute(f"DROP TABLE IF EXISTS pg_temp.{STAGE}".encode())
        made = f"CREATE TEMP TABLE {STAGE} AS SELECT {names} FROM {full_name(self._table)} WITH NO DATA"
        self._target.execute(made.encode())

    def upsert(self, differences: Sequence[RowDifference]) -> None:
        """Bring rows as SQLite has them."""
        sent, refused = [], []
        for one in differences:
            row = self._row(one)
            try:
                sent.append((one, self._convert(row)))
            except _Unfit as problem:
                refused.append(self._refused(row, problem.column, str(problem)))
        self._refuse(refused)
        if sent:
            self._upsert(sent)

    def _convert(self, row: Sequence[Any]) -> Sequence[Any]:
        values = list(row)
        for number, convert in enumerate(self._converters):
            if convert is not None:
                try:
                    values[number] = convert(values[number])
                except Misfit as problem:
                    raise _Unfit(self._columns[number].source.name, str(problem)) from problem
        return values

    def _upsert(self, sent: Sequence[tuple[RowDifference, Sequence[Any]]]) -> None:
        try:
            with self._target.transaction():
                count = self._send([row for _, row in sent])
                own = bases.note_write(self._target, self._table) if count else ""
        except psycopg.Error as problem:
            if (problem.sqlstate or "")[:2] not in ROWS_REFUSED:
                raise
            if len(sent) > 1:
                self._upsert(sent[: len(sent) // 2])
                self._upsert(sent[len(sent) // 2 :])
            elif (problem.sqlstate or "").startswith(MAY_WAIT):
                self.written.waiting.append((sent[0][0], problem.diag.message_primary or str(problem)))
            else:
                self.give_up(sent[0][0], problem.diag.message_primary or str(problem), column_of(problem))
            return
        self.written.upserted += count
        self.written.skipped += len(sent) - count
        self.written.own += [own] if own else []

    def exchange(self, differences: Sequence[RowDifference]) -> bool:
        """Bring rows that stand in each other's way, their unique values put aside first; all of them or none."""
        rows, parking = [self._row(one) for one in differences], write_parking(self._target, self._table)
        if not parking:
            return False
        same = " AND ".join(f"t.{quoted(one.name)} = s.{quoted(one.name)}" for one in self._table.key)
        try:
            with self._target.transaction():
                self._stage([self._convert(row) for row in rows])
                table, mine = full_name(self._table), f"{same} AND NOT ({self._foreign})"
                query = f"UPDATE {table} AS t SET {parking} FROM pg_temp.{STAGE} AS s WHERE {mine}"
                if self._target.execute(query.encode()).rowcount != len(rows):
                    raise Rollback
                count = self._merge(foreign="false")
                own = bases.note_write(self._target, self._table)
                self.written.upserted += count
                self.written.own.append(own)
                return True
        except (psycopg.DataError, psycopg.IntegrityError):
            return False
        return False

    def _row(self, difference: RowDifference) -> Sequence[Any]:
        row: Sequence[Any] = self._lite.execute(self._select, difference.raw).fetchone()
        return row

    def _send(self, rows: Sequence[Sequence[Any]]) -> int:
        self._stage(rows)
        return self._merge(self._foreign)

    def _stage(self, rows: Sequence[Sequence[Any]]) -> None:
        self._target.execute(f"TRUNCATE pg_temp.{STAGE}".encode())
        with self._target.cursor() as into, into.copy(f"COPY pg_temp.{STAGE} FROM STDIN".encode()) as copy:
            for row in rows:
                copy.write_row(row)

    def _merge(self, foreign: str) -> int:
        """Write the staged rows, but for those that somebody else wrote since."""
        names = ", ".join(quoted(one.name) for one in self._columns)
        key = ", ".join(quoted(one.name) for one in self._table.key)
        rest = [quoted(one.name) for one in self._columns if one not in self._table.key]
        change = ", ".join(f"{name} = EXCLUDED.{name}" for name in rest)
        action = f"DO UPDATE SET {change} WHERE NOT ({foreign})" if rest else "DO NOTHING"
        query = (
            f"INSERT INTO {full_name(self._table)} AS t ({names}) OVERRIDING SYSTEM VALUE"
            f" SELECT {names} FROM pg_temp.{STAGE} ORDER BY {key} ON CONFLICT ({key}) {action}"
        )
        return self._target.execute(query.encode()).rowcount

    def give_up(self, difference: RowDifference, said: str, column: str = "") -> None:
        """Put a row that the server refuses aside."""
        row = self._row(difference)
        self._refuse([self._refused(row, column, f"PostgreSQL refuses it: {said}")])

    def _refused(self, row: Sequence[Any], column: str, reason: str) -> Refused:
        names = [one.source.name for one in self._columns]
        values = dict(zip(names, row, strict=True))
        key = {one.source.name: values[one.source.name] for one in self._table.key}
        return Refused(self._table.source.name, key, column, reason, values)

    def _refuse(self, refused: Sequence[Refused]) -> None:
        self.written.refused += records.refuse_once(self._target, self._transfer, refused)

    def delete(self, differences: Sequence[RowDifference]) -> None:
        """Delete rows over there that the source no longer has."""
        try:
            with self._target.transaction():
                count = self._delete(differences)
                own = bases.note_write(self._target, self._table) if count else ""
        except psycopg.errors.IntegrityError as problem:
            if len(differences) > 1:
                self.delete(differences[: len(differences) // 2])
                self.delete(differences[len(differences) // 2 :])
            else:
                self.written.waiting.append((differences[0], problem.diag.message_primary or str(problem)))
            return
        self.written.deleted += count
        self.written.skipped += len(differences) - count
        self.written.own += [own] if own else []

    def _delete(self, differences: Sequence[RowDifference]) -> int:
        keys = self._table.key
        names = [f"k{number}" for number in range(len(keys))]
        conditions = " AND ".join(_same(one, f"k.{name}") for one, name in zip(keys, names, strict=True))
        lists = ", ".join(["%s::text[]"] * len(keys))
        query = (
            f"DELETE FROM {full_name(self._table)} AS t USING unnest({lists}) AS k ({', '.join(names)})"
            f" WHERE {conditions} AND NOT ({self._foreign})"
        )
        # A name may hold the sign that begins a parameter.
        query = query.replace("%", "%%").replace("%%s::text[]", "%s::text[]")
        values = [[one.key[place] for one in differences] for place in range(len(keys))]
        return self._target.execute(query.encode(), values).rowcount


class _Unfit(Misfit):
    def __init__(self, column: str, said: str) -> None:
        super().__init__(said)
        self.column = column


def _same(column: ColumnPlan, value: str) -> str:
    """That a key's column has the value of that canonical form; by its index where the form is a way to write it."""
    kind, name = column.type.partition("(")[0], f"t.{quoted(column.name)}"
    if kind in ("text", "varchar"):
        return f"{name} = substr({value}, strpos({value}, '=') + 1)"
    if kind in ("double precision", "real", "bytea"):
        return f"{server_form(name, column.type)} = {value}"
    return f"{name} = {value}::{column.type}"
