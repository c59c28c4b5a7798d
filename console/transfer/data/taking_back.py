"""Take a transfer back: save every row that somebody wrote over there since, then drop the tables that it made.

Saving and dropping are one transaction behind a lock on all of the tables, so that nothing is written between the two;
the files are on disk before it ends. What was changed or added since is told by the transaction that wrote a row
(`xmin`), against a mark that was set when everything had arrived.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql

from console.domain.errors import ConsoleError
from console.transfer.data import records
from console.transfer.data.records import Target

BATCH = 2_000
LIST = "saved.json"
"""What was saved, beside it: a run that dies before it can tell is told by the next one."""

OURS = (("file_references", "table_name"), ("transfer_bases", "target"))
"""Records of ours that speak of tables by their names, and mean nothing once those are gone."""


@dataclass(frozen=True)
class Saved:
    """Rows of one table that were written since, and the file that has them, a JSON object a line."""

    table: str
    rows: int
    file: str


@dataclass(frozen=True)
class TakenBack:
    """What was dropped, and what was saved of it first."""

    tables: tuple[str, ...] = ()
    saved: tuple[Saved, ...] = ()

    @property
    def rows(self) -> int:
        return sum(one.rows for one in self.saved)


def set_mark(target: Target) -> str:
    """A mark of now: every row that is written from here on is younger than it."""
    row = target.execute("SELECT pg_current_xact_id()::xid::text").fetchone()
    assert row is not None
    return str(row[0])


def take_back(
    target: Target, transfer: str, schema: str, mark: str, folder: Path, told: Callable[[str, int], None]
) -> TakenBack:
    """Leave nothing of a transfer behind, and lose nothing that others wrote into what it made.

    Args:
        mark: From `set_mark`; empty where the transfer never came to its end. Then every row of a table that has
            other rows than the transfer counted is saved.
        folder: For the saved rows; made when there are some.
        told: Table and rows saved so far.

    Raises:
        ConsoleError: Something else over there needs the tables.
        psycopg.Error: The server went away; nothing was dropped then.
    """
    if not _knows(target, transfer):
        return TakenBack(saved=_read(folder))
    with target.transaction():
        states = records.targets(target, transfer)
        tables = [name for name in states if _exists(target, schema, name)]
        saved: list[Saved] = []
        if tables:
            names = sql.SQL(", ").join(sql.Identifier(schema, name) for name in tables)
            target.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(names))
            for name in tables:
                found = _save(target, schema, name, states[name], mark, folder, told)
                saved += [found] if found else []
            _write(folder, saved)
            try:
                target.execute(sql.SQL("DROP TABLE {}").format(names))
            except psycopg.errors.DependentObjectsStillExist as problem:
                raise ConsoleError(
                    f"Something needs the tables that were brought over: {problem.diag.message_detail}.",
                    f"schema {schema}",
                    "Take that away first, by its own migration backwards; then retry.",
                ) from problem
            for name, column in OURS:
                _forget(target, name, column, schema, tables)
        records.forget(target, transfer)
    return TakenBack(tuple(tables), tuple(saved))


def _save(
    target: Target, schema: str, name: str, counted: int, mark: str, folder: Path, told: Callable[[str, int], None]
) -> Saved | None:
    table = sql.Identifier(schema, name)
    condition: sql.Composable = sql.SQL("TRUE")
    if mark:
        condition = sql.SQL("age(xmin) < age({}::xid)").format(sql.Literal(mark))
    elif _count(target, table) == counted:
        return None
    rows = 0
    query = sql.SQL("SELECT to_json(t)::text FROM {} t WHERE {}").format(table, condition)
    path = folder / f"{_file_name(name)}.jsonl"
    with target.cursor("quarterdeck_saved") as cursor:
        cursor.itersize = BATCH
        cursor.execute(query)
        first = cursor.fetchmany(BATCH)
        if not first:
            return None
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _open_new(path) as file:
            while first:
                file.writelines(str(row[0]).encode() + b"\n" for row in first)
                rows += len(first)
                told(name, rows)
                first = cursor.fetchmany(BATCH)
            file.flush()
            os.fsync(file.fileno())
    return Saved(name, rows, str(path))


def _open_new(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _file_name(table: str) -> str:
    """A name that no other table has; those that a file cannot be called by get a digest."""
    written = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in table)
    return written if written == table else f"{written}-{hashlib.sha256(table.encode()).hexdigest()[:8]}"


def _write(folder: Path, saved: Sequence[Saved]) -> None:
    """The list of what was saved, and the names of all files, are on disk when this returns."""
    if not saved:
        return
    with _open_new(folder / LIST) as file:
        file.write(json.dumps([asdict(one) for one in saved]).encode())
        file.flush()
        os.fsync(file.fileno())
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(folder: Path) -> tuple[Saved, ...]:
    with suppress(FileNotFoundError):
        return tuple(Saved(**one) for one in json.loads((folder / LIST).read_text(encoding="utf-8")))
    return ()


def _count(target: Target, table: sql.Identifier) -> int:
    row = target.execute(sql.SQL("SELECT count(*) FROM {}").format(table)).fetchone()
    return int(row[0]) if row else 0


def _forget(target: Target, ours: str, column: str, schema: str, tables: Sequence[str]) -> None:
    row = target.execute("SELECT to_regclass(%s)", (f"quarterdeck.{ours}",)).fetchone()
    if row and row[0]:
        statement = sql.SQL("DELETE FROM quarterdeck.{} WHERE schema_name = %s AND {} = ANY(%s)")
        target.execute(statement.format(sql.Identifier(ours), sql.Identifier(column)), (schema, list(tables)))


def _exists(target: Target, schema: str, name: str) -> bool:
    row = target.execute("SELECT to_regclass(format('%%I.%%I', %s::text, %s::text))", (schema, name)).fetchone()
    return row is not None and row[0] is not None


def _knows(target: Target, transfer: str) -> bool:
    if not (transfer and records.is_prepared(target)):
        return False
    return target.execute("SELECT 1 FROM quarterdeck.transfers WHERE id = %s", (transfer,)).fetchone() is not None
