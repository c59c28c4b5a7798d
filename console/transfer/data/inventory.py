"""What a SQLite file holds, as SQLite itself tells it: tables, keys, indexes, and what is not a table."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from console.transfer.data.ddl import Written, read_table

FENCE = "quarterdeck_still_"
"""How triggers of ours begin that keep a source from being written to; they are no part of it."""


class Stored(StrEnum):
    """How a column comes to its values."""

    PLAIN = "plain"
    VIRTUAL = "virtual"
    GENERATED = "stored"


@dataclass(frozen=True)
class SourceColumn:
    """One column. `key` is its place in the primary key, from 1; 0 for none. `default` is an expression in SQL."""

    name: str
    declared: str
    not_null: bool
    default: str | None
    key: int
    stored: Stored


@dataclass(frozen=True)
class IndexPart:
    """One part of an index: a column, or None for an expression."""

    column: str | None
    descending: bool
    collation: str


@dataclass(frozen=True)
class SourceIndex:
    """`origin` as the pragma says it: c for CREATE INDEX, u for UNIQUE, pk for PRIMARY KEY. `sql` only for c."""

    name: str
    unique: bool
    origin: str
    partial: bool
    parts: tuple[IndexPart, ...]
    sql: str


@dataclass(frozen=True)
class SourceForeignKey:
    """`references` is empty where the key names no column: it means the other table's primary key."""

    columns: tuple[str, ...]
    table: str
    references: tuple[str, ...]
    on_update: str
    on_delete: str
    deferred: bool


@dataclass(frozen=True)
class SourceTable:
    """One table. `sequence` is the highest id that AUTOINCREMENT ever gave, 0 for none."""

    name: str
    columns: tuple[SourceColumn, ...]
    has_rowid: bool
    strict: bool
    written: Written
    sequence: int
    indexes: tuple[SourceIndex, ...]
    foreign_keys: tuple[SourceForeignKey, ...]

    @property
    def key(self) -> tuple[str, ...]:
        return tuple(column.name for column in sorted(self.columns, key=lambda one: one.key) if column.key)

    @property
    def rowid_alias(self) -> str | None:
        """The column that is the rowid itself: the one and only `INTEGER PRIMARY KEY`."""
        keys = [column for column in self.columns if column.key]
        alias = len(keys) == 1 and self.has_rowid and keys[0].declared.upper() == "INTEGER"
        # `INTEGER PRIMARY KEY DESC` is an ordinary key by a quirk of SQLite; it then has an index of its own.
        own_index = any(index.origin == "pk" for index in self.indexes)
        return keys[0].name if alias and not own_index else None


@dataclass(frozen=True)
class SourceThing:
    """Something that is no table: a view, a trigger, a virtual table with its shadows. `sql` is its text."""

    kind: str
    name: str
    sql: str


@dataclass(frozen=True)
class Inventory:
    """Everything in one file. `tables` in the order of their names."""

    tables: tuple[SourceTable, ...]
    things: tuple[SourceThing, ...]

    def table(self, name: str) -> SourceTable | None:
        return next((table for table in self.tables if table.name.lower() == name.lower()), None)


def quoted(name: str) -> str:
    """A name as both SQLite and PostgreSQL take it."""
    return '"' + name.replace('"', '""') + '"'


def take_inventory(lite: sqlite3.Connection) -> Inventory:
    """Read the schema of an open file."""
    rows = lite.execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master ORDER BY name").fetchall()
    kinds = {str(name): str(kind) for _, name, kind, *_ in lite.execute("PRAGMA main.table_list") if name}
    tables, things = [], []
    for kind, name, _, sql in rows:
        if name.lower().startswith(("sqlite_", FENCE)) or kind == "index":
            continue
        if kind == "table" and kinds.get(name, "table") == "table":
            tables.append(_read(lite, name, sql))
        else:
            things.append(SourceThing(kinds[name] if kind == "table" else kind, name, sql))
    return Inventory(tuple(tables), tuple(things))


def _read(lite: sqlite3.Connection, name: str, sql: str) -> SourceTable:
    written = read_table(sql)
    listed = next(row for row in lite.execute(f"PRAGMA main.table_list({quoted(name)})") if row[0] == "main")
    columns = tuple(
        SourceColumn(column, declared, bool(not_null), default, key, _STORED[hidden])
        for _, column, declared, not_null, default, key, hidden in lite.execute(f"PRAGMA table_xinfo({quoted(name)})")
        if hidden in _STORED
    )
    return SourceTable(
        name=name,
        columns=columns,
        has_rowid=not listed[4],
        strict=bool(listed[5]),
        written=written,
        sequence=_sequence(lite, name) if written.autoincrement else 0,
        indexes=_indexes(lite, name),
        foreign_keys=_foreign_keys(lite, name, written),
    )


_STORED = {0: Stored.PLAIN, 2: Stored.VIRTUAL, 3: Stored.GENERATED}


def _sequence(lite: sqlite3.Connection, name: str) -> int:
    row = lite.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (name,)).fetchone()
    return int(row[0] or 0) if row else 0


def _indexes(lite: sqlite3.Connection, name: str) -> tuple[SourceIndex, ...]:
    found = []
    for _, index, unique, origin, partial in lite.execute(f"PRAGMA index_list({quoted(name)})").fetchall():
        parts = tuple(
            IndexPart(column, bool(descending), str(collation or "BINARY").upper())
            for _, number, column, descending, collation, is_key in lite.execute(f"PRAGMA index_xinfo({quoted(index)})")
            if is_key and number >= -2
        )
        row = lite.execute("SELECT sql FROM sqlite_master WHERE type = 'index' AND name = ?", (index,)).fetchone()
        found.append(SourceIndex(index, bool(unique), origin, bool(partial), parts, str(row[0] or "") if row else ""))
    return tuple(sorted(found, key=lambda one: one.name))


def _foreign_keys(lite: sqlite3.Connection, name: str, written: Written) -> tuple[SourceForeignKey, ...]:
    groups: dict[int, list[tuple[str, str, str | None, str, str]]] = {}
    for number, _, table, own, other, on_update, on_delete, _ in lite.execute(
        f"PRAGMA foreign_key_list({quoted(name)})"
    ):
        groups.setdefault(number, []).append((table, own, other, on_update, on_delete))
    keys = []
    for _, rows in sorted(groups.items(), reverse=True):
        table, _, _, on_update, on_delete = rows[0]
        columns = tuple(own for _, own, *_ in rows)
        references = tuple(str(other) for _, _, other, *_ in rows if other is not None)
        deferred = columns in written.deferred
        keys.append(SourceForeignKey(columns, table, references, on_update, on_delete, deferred))
    return tuple(keys)
