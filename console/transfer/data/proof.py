"""Prove that what arrived is what was sent: counts, every row by its hash, and a row that can be written."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

import psycopg

from console.transfer.data.compare import Difference, RowDifference, find_differences
from console.transfer.data.inventory import quoted
from console.transfer.data.load import count_rows
from console.transfer.data.plan import TablePlan
from console.transfer.data.records import TableState, Target
from console.transfer.data.schema import computed_as, full_name, next_number

SHOWN = 20
COPIED = 20
"""Late rows of which a copy is tried before none counts as possible."""


@dataclass(frozen=True)
class TableProof:
    """What was found about one table.

    Attributes:
        source: Rows in SQLite. `target`: rows over there. `quarantined`: rows that were put aside.
        differences: The first rows that are not the same on both sides.
        insert: Why a new row cannot be written over there; empty where it can, or where no number is given by itself.
    """

    table: str
    source: int
    target: int
    quarantined: int
    differences: tuple[RowDifference, ...] = ()
    insert: str = ""

    @property
    def holds(self) -> bool:
        return self.source == self.target + self.quarantined and not self.differences and not self.insert


def prove(
    lite: sqlite3.Connection,
    target: Target,
    table: TablePlan,
    state: TableState,
    told: Callable[[int], None] = lambda rows: None,
) -> TableProof:
    """Prove one table. Nothing is left behind: the row that is written is taken back at once."""
    source = int(lite.execute(f"SELECT count(*) FROM {quoted(table.source.name)}").fetchone()[0])
    there = count_rows(target, table)
    # A row that the server itself refused is only here; it is in quarantine and no difference.
    most = SHOWN + state.quarantined
    with closing(find_differences(lite, target, table, told)) as found:
        differences = list(islice((one for one in found if one.there or one.kind is not Difference.NO_PLACE), most + 1))
    expected = state.rows + state.quarantined
    missing = [one for one in differences if not one.there]
    if len(missing) <= state.quarantined and expected == source and there == state.rows:
        differences = [one for one in differences if one not in missing]
    return TableProof(
        table.source.name,
        source,
        there,
        state.quarantined,
        tuple(differences[:SHOWN]),
        _try_insert(target, table),
    )


class _TakenBack(Exception):
    pass


def _try_insert(target: Target, table: TablePlan) -> str:
    """Write a copy of a late row under the next number, where numbers are given, and take it back."""
    alias = table.source.rowid_alias
    if alias is None:
        return ""
    number = quoted(table.column(alias).name)
    others = [one for one in table.columns if one.source.name != alias and computed_as(table, one) is None]
    names = ", ".join(quoted(one.name) for one in others)
    told = ""
    try:
        for place in range(COPIED if names else 1):
            copied = f"SELECT {names} FROM {full_name(table)} ORDER BY {number} DESC OFFSET {place} LIMIT 1"
            statement = f"INSERT INTO {full_name(table)} ({names}) {copied}" if names else "SELECT 1"
            try:
                told = _write(target, statement, table.column(alias).name)
            except psycopg.errors.CheckViolation as problem:
                # This row breaks a condition that SQLite never enforced, which is told elsewhere; another may not.
                told = f"A new row cannot be written: {problem.diag.message_primary}"
            else:
                break
    finally:
        for statement_after in next_number(table):  # a transaction that is taken back keeps the number it took
            target.execute(statement_after.sql.encode())
    return told


def _write(target: Target, statement: str, number: str) -> str:
    """Say why the next number cannot be used; empty where it can.

    Raises:
        psycopg.errors.CheckViolation: The row that is copied breaks a condition, before its number was looked at.
    """
    try:
        with target.transaction():
            target.execute(statement.encode())
            raise _TakenBack
    except (_TakenBack, psycopg.errors.ForeignKeyViolation):
        # A copy of a row that points nowhere is refused only after its number was good; such rows are told elsewhere.
        return ""
    except psycopg.errors.UniqueViolation as problem:
        # Another unique value in its way is as it should be; the number itself is not.
        return "The next number is already taken." if f"({number})=" in (problem.diag.message_detail or "") else ""
    except psycopg.errors.CheckViolation:
        raise
    except psycopg.Error as problem:
        return f"A new row cannot be written: {problem.diag.message_primary}"
