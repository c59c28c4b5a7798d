"""What the target itself remembers of a transfer, in a schema of ours: how far each table is, and the rows it refused.

It is written in the transaction of the rows that it speaks of, so that after a kill at any moment both agree.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from psycopg import Connection, sql

from console.transfer.data.ranges import Key

Target = Connection[tuple[Any, ...]]

_TABLES = """
CREATE TABLE IF NOT EXISTS quarterdeck.transfers (
  id text PRIMARY KEY, source text NOT NULL, began_at timestamptz NOT NULL DEFAULT now(), ended_at timestamptz,
  phase text NOT NULL, choices text NOT NULL DEFAULT '');
ALTER TABLE quarterdeck.transfers ADD COLUMN IF NOT EXISTS choices text NOT NULL DEFAULT '';
CREATE TABLE IF NOT EXISTS quarterdeck.transfer_tables (
  transfer text NOT NULL REFERENCES quarterdeck.transfers ON DELETE CASCADE, source text NOT NULL, target text NOT NULL,
  rows bigint NOT NULL DEFAULT 0, quarantined bigint NOT NULL DEFAULT 0, last_key json,
  loaded boolean NOT NULL DEFAULT false,
  PRIMARY KEY (transfer, source));
CREATE TABLE IF NOT EXISTS quarterdeck.quarantine (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, transfer text NOT NULL, source text NOT NULL, key json,
  column_name text,
  reason text NOT NULL, row json NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS quarterdeck.transfer_bases (
  schema_name text NOT NULL, target text NOT NULL, source text NOT NULL, columns json NOT NULL,
  snapshot pg_snapshot NOT NULL, writes text[] NOT NULL DEFAULT '{}', at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (schema_name, target));
"""


class Step(StrEnum):
    """How far a transfer is."""

    LOADING = "loading"
    KEYS = "keys"
    PROVEN = "proven"


@dataclass(frozen=True)
class Begun:
    """A transfer on record. `choices`: a digest of what was asked for; empty in old records."""

    id: str
    step: Step
    choices: str = ""


@dataclass(frozen=True)
class Refused:
    """One row that has no place over there. `row` holds all of its values by column."""

    table: str
    key: Mapping[str, Any]
    column: str
    reason: str
    row: Mapping[str, Any]


@dataclass(frozen=True)
class TableState:
    """How far one table is: rows over there, rows in quarantine, and the key up to which both were counted."""

    rows: int = 0
    quarantined: int = 0
    last_key: Key | None = None
    loaded: bool = False


def prepare(target: Target) -> None:
    """Make our own tables where they are missing."""
    make_schema(target, "quarterdeck")
    target.execute(_TABLES.encode())


def make_schema(target: Target, name: str) -> None:
    """Make a schema where it is missing; where it is there, that takes no right."""
    if target.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (name,)).fetchone() is None:
        target.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(name)))


def is_prepared(target: Target) -> bool:
    """Whether our own tables are there."""
    return target.execute("SELECT to_regclass('quarterdeck.transfers')").fetchone() != (None,)


def find(target: Target, source: str) -> Begun | None:
    """The newest transfer from a source."""
    # Of a record as an older release made it, the row as JSON simply lacks the newer key.
    row = target.execute(
        "SELECT id, phase, coalesce(to_json(t) ->> 'choices', '') FROM quarterdeck.transfers AS t WHERE source = %s"
        " ORDER BY began_at DESC LIMIT 1",
        (source,),
    ).fetchone()
    return Begun(str(row[0]), Step(row[1]), str(row[2])) if row else None


def begin(target: Target, begun: Begun, source: str, tables: Mapping[str, str]) -> None:
    target.execute(
        "INSERT INTO quarterdeck.transfers (id, source, phase, choices) VALUES (%s, %s, %s, %s)",
        (begun.id, source, begun.step, begun.choices),
    )
    with target.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO quarterdeck.transfer_tables (transfer, source, target) VALUES (%s, %s, %s)",
            [(begun.id, name, there) for name, there in tables.items()],
        )


def mark(target: Target, transfer: str, step: Step) -> None:
    ended = ", ended_at = now()" if step is Step.PROVEN else ""
    target.execute(f"UPDATE quarterdeck.transfers SET phase = %s{ended} WHERE id = %s".encode(), (step, transfer))


def states(target: Target, transfer: str) -> dict[str, TableState]:
    """How far each table is, by its name in the source."""
    rows = target.execute(
        "SELECT source, rows, quarantined, last_key, loaded FROM quarterdeck.transfer_tables WHERE transfer = %s",
        (transfer,),
    ).fetchall()
    return {
        name: TableState(count, refused, tuple(map(unpack, key)) if key is not None else None, loaded)
        for name, count, refused, key, loaded in rows
    }


def targets(target: Target, transfer: str) -> dict[str, int]:
    """The tables that a transfer made, by their names over there, and the rows that it brought."""
    rows = target.execute(
        "SELECT target, rows FROM quarterdeck.transfer_tables WHERE transfer = %s ORDER BY target", (transfer,)
    ).fetchall()
    return {str(name): int(count) for name, count in rows}


def forget(target: Target, transfer: str) -> None:
    """Drop the record of a transfer, and its rows in quarantine, which the source has as well."""
    target.execute("DELETE FROM quarterdeck.quarantine WHERE transfer = %s", (transfer,))
    target.execute("DELETE FROM quarterdeck.transfers WHERE id = %s", (transfer,))


def note(target: Target, transfer: str, table: str, state: TableState) -> None:
    """Say how far a table is."""
    key = json.dumps([pack(value) for value in state.last_key]) if state.last_key is not None else None
    target.execute(
        "UPDATE quarterdeck.transfer_tables SET rows = %s, quarantined = %s, last_key = %s, loaded = %s"
        " WHERE transfer = %s AND source = %s",
        (state.rows, state.quarantined, key, state.loaded, transfer, table),
    )


_KEEP = """
INSERT INTO quarterdeck.quarantine (transfer, source, key, column_name, reason, row) VALUES (%s, %s, %s, %s, %s, %s)
"""
_KEEP_ONCE = """
WITH v (transfer, source, key, column_name, reason, row) AS (VALUES (%s, %s, %s::json, %s, %s, %s::json)),
there AS (SELECT q.id FROM quarterdeck.quarantine AS q JOIN v USING (source)
  WHERE q.key::text = v.key::text AND q.row::text = v.row::text AND q.reason = v.reason LIMIT 1),
made AS (INSERT INTO quarterdeck.quarantine (transfer, source, key, column_name, reason, row)
  SELECT * FROM v WHERE NOT EXISTS (SELECT FROM there) RETURNING id)
SELECT id FROM there UNION ALL SELECT id FROM made
"""


def refuse(target: Target, transfer: str, refused: Sequence[Refused]) -> None:
    """Keep rows in quarantine."""
    with target.cursor() as cursor:
        cursor.executemany(_KEEP.encode(), [_entry(transfer, one) for one in refused])


def refuse_once(target: Target, transfer: str, refused: Sequence[Refused]) -> list[int]:
    """Keep rows in quarantine, but for those that are there with the same values already; the numbers of all."""
    if not refused:
        return []
    with target.cursor() as cursor:
        cursor.executemany(_KEEP_ONCE.encode(), [_entry(transfer, one) for one in refused], returning=True)
        return [int(number) for result in cursor.results() for (number,) in result.fetchall()]


def release(target: Target, table: str, kept: Sequence[int]) -> None:
    """Take a table's rows out of quarantine, but for these entries: the others have a place by now, or are gone."""
    target.execute("DELETE FROM quarterdeck.quarantine WHERE source = %s AND id <> ALL(%s)", (table, list(kept)))


def refused_rows(target: Target, transfer: str, limit: int) -> list[Refused]:
    """The first rows that a transfer put in quarantine."""
    return _refused(target, "transfer = %s", transfer, limit)


def refused_of(target: Target, tables: Sequence[str], limit: int) -> list[Refused]:
    """The first rows of these tables in quarantine, whichever transfer put them there."""
    return _refused(target, "source = ANY(%s)", list(tables), limit)


def _refused(target: Target, where: str, value: Any, limit: int) -> list[Refused]:
    query = (
        f"SELECT source, key, column_name, reason, row FROM quarterdeck.quarantine WHERE {where} ORDER BY id LIMIT %s"
    )
    rows = target.execute(query.encode(), (value, limit)).fetchall()
    return [Refused(table, key or {}, column or "", reason, row) for table, key, column, reason, row in rows]


def _entry(transfer: str, one: Refused) -> tuple[str, str, str, str, str, str]:
    return transfer, one.table, _json(one.key), one.column, one.reason, _json(one.row)


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps({name: pack(value) for name, value in values.items()}, ensure_ascii=True)


def pack(value: Any) -> Any:
    """A value of SQLite in JSON: bytes in hex under a name, everything else as it is; a NUL and broken text survive."""
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return {"real": repr(value)}
    return value


def unpack(value: Any) -> Any:
    if isinstance(value, dict):
        return bytes.fromhex(value["bytes"]) if "bytes" in value else float(value["real"])
    return value
