"""Look at both sides before a transfer is planned, in seconds: what is to go, and what stands in its way."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg

from console.domain.errors import UsageError
from console.domain.switch_over import SwitchFacts
from console.transfer.connecting import connect_target
from console.transfer.data.inventory import Inventory, SourceTable, quoted, take_inventory
from console.transfer.data.naming import name_all
from console.transfer.data.source import check_file, connect

COUNT_SECONDS = 3.0
"""How long rows are counted; what is left then is told by the highest number that was given."""

POOLER_PORT = "6543"


def refuse_pooler(address: str, where: str) -> None:
    """Raises UsageError for a pooler that hands out a connection for each transaction."""
    if f":{POOLER_PORT}" in address or f"port={POOLER_PORT}" in address:
        raise UsageError(
            "Port 6543 is a pooler in transaction mode, which forgets settings and locks between statements.",
            where,
            "Give the direct address or the pooler's session mode, port 5432.",
        )


def look(source: Path, address: str, schema: str, *, keep_case: bool, closes: bool) -> SwitchFacts:
    """What is found; the first thing that stands in the way is its problem.

    Args:
        address: Of the PostgreSQL; a secret.
        closes: Whether the source is to be made read-only later, for which it must be possible to write to it.
    """
    try:
        check_file(source)
        refuse_pooler(address, "its database")
        if closes:
            _check_writable(source)
        with closing(connect(source)) as lite:
            inventory = take_inventory(lite)
            facts = _facts(lite, inventory, source)
        return replace(facts, problem=_find_taken(inventory, address, schema, keep_case=keep_case))
    except UsageError as problem:
        return SwitchFacts(problem=f"{problem.what} ({problem.where}) {problem.remedy}".strip())
    except sqlite3.DatabaseError as problem:
        return SwitchFacts(problem=f"{source} cannot be read: {problem}.")
    except psycopg.Error as problem:
        said = problem.diag.message_primary or "nobody answers there"
        return SwitchFacts(problem=f"The database cannot be reached: {said}.")


def _check_writable(source: Path) -> None:
    if not (os.access(source, os.W_OK) and os.access(source.resolve().parent, os.W_OK)):
        raise UsageError(
            "The worker's user may not write to the source, so that it cannot be closed for the last increment.",
            str(source),
            "Allow it, or say with --leave-open that nobody writes to it.",
        )


def _facts(lite: sqlite3.Connection, inventory: Inventory, source: Path) -> SwitchFacts:
    until = time.monotonic() + COUNT_SECONDS
    lite.set_progress_handler(lambda: time.monotonic() > until, 10_000)
    tables = {table.name: _count(lite, table) for table in inventory.tables}
    things = [thing for thing in inventory.things if thing.kind != "shadow"]
    return SwitchFacts(
        tables=tables,
        bytes=source.stat().st_size,
        open=tuple(thing.name for thing in things if thing.kind == "virtual"),
        left=tuple(f"{thing.kind} {thing.name}" for thing in things),
    )


def _count(lite: sqlite3.Connection, table: SourceTable) -> int:
    try:
        row = lite.execute(f"SELECT count(*) FROM {quoted(table.name)}").fetchone()
    except sqlite3.OperationalError:
        if not table.has_rowid:
            return 0
        try:
            row = lite.execute(f"SELECT max(_rowid_) FROM {quoted(table.name)}").fetchone()
        except sqlite3.OperationalError:
            return 0
    return int(row[0] or 0) if row else 0


def _find_taken(inventory: Inventory, address: str, schema: str, *, keep_case: bool) -> str:
    names = list(name_all((table.name for table in inventory.tables), keep_case=keep_case).values())
    if not names:
        return "The source has no table."
    with connect_target(address) as target:
        rows = target.execute(
            "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE nspname = %s AND relname = ANY(%s) ORDER BY relname",
            (schema, names),
        ).fetchall()
    taken = ", ".join(str(row[0]) for row in rows)
    return f"The names {taken} are taken in schema {schema} of the database. Name another schema." if taken else ""
