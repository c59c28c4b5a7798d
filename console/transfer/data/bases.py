"""What both sides had in common when they were last compared, kept over there for the next increment.

For each table: what its columns are read as, and the server's own snapshot of transactions at that moment. A row whose
last writer is in that snapshot, or is one of our own writes since, was touched by nobody else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from console.transfer.data.choosing import Choice
from console.transfer.data.converters import Reading
from console.transfer.data.plan import TablePlan
from console.transfer.data.records import Target

EPOCH = 2**32
"""Numbers of transactions before `xmin` begins anew."""


@dataclass(frozen=True)
class Base:
    """One table's. `columns` by their names in the source: the name over there, and how its values are read."""

    target: str
    snapshot: str
    writes: tuple[str, ...] = ()
    columns: Mapping[str, tuple[str, Choice]] = field(default_factory=dict)


def load_bases(target: Target, schema: str) -> dict[str, Base]:
    """By the table's name in the source, in small letters; empty where nothing was ever transferred."""
    if target.execute("SELECT to_regclass('quarterdeck.transfer_bases')").fetchone() == (None,):
        return {}
    rows = target.execute(
        "SELECT source, target, columns, snapshot::text, writes FROM quarterdeck.transfer_bases WHERE schema_name = %s",
        (schema,),
    ).fetchall()
    return {
        source.lower(): Base(there, snapshot, tuple(writes), {name: _column(**one) for name, one in columns.items()})
        for source, there, columns, snapshot, writes in rows
    }


def _column(name: str, type: str, direct: bool, reading: dict[str, object]) -> tuple[str, Choice]:  # noqa: A002
    kept = Reading(**reading)  # type: ignore[arg-type]  # written by `keep` from the same class
    return name, Choice(type, direct, "as it was transferred", kept)


def keep_base(target: Target, table: TablePlan, snapshot: str, writes: tuple[str, ...] = ()) -> None:
    """Say that a table was the same on both sides in that snapshot, but for these writes of ours."""
    columns = {
        one.source.name: {
            "name": one.name,
            "type": one.choice.type,
            "direct": one.choice.direct,
            "reading": asdict(one.choice.reading),
        }
        for one in table.columns
    }
    target.execute(
        "INSERT INTO quarterdeck.transfer_bases (schema_name, target, source, columns, snapshot, writes)"
        " VALUES (%s, %s, %s, %s, %s::pg_snapshot, %s) ON CONFLICT (schema_name, target) DO UPDATE SET"
        " source = EXCLUDED.source, columns = EXCLUDED.columns, snapshot = EXCLUDED.snapshot,"
        " writes = EXCLUDED.writes, at = now()",
        (table.schema, table.name, table.source.name, json.dumps(columns), snapshot, list(writes)),
    )


def note_write(target: Target, table: TablePlan) -> str:
    """Within the transaction that writes: remember it as ours."""
    row = target.execute(
        "UPDATE quarterdeck.transfer_bases SET writes = writes || (pg_current_xact_id()::text::bigint %% %s)::text"
        " WHERE schema_name = %s AND target = %s RETURNING writes[cardinality(writes)]",
        (EPOCH, table.schema, table.name),
    ).fetchone()
    assert row is not None
    return str(row[0])


NOTHING_YET = "1:1:"
"""A snapshot that no transaction of a row is in."""


def take_mark(target: Target) -> str:
    """The server's snapshot now."""
    row = target.execute("SELECT pg_current_snapshot()::text").fetchone()
    assert row is not None
    return str(row[0])


def is_foreign(target: Target, snapshot: str, writes: tuple[str, ...] = (), row: str = "") -> str:
    """The expression that says whether somebody else wrote a row after a snapshot.

    Args:
        row: What the row's table is called in the statement; empty where there is only one.
    """
    found = target.execute("SELECT pg_current_snapshot()::text").fetchone()
    assert found is not None
    now = int(str(found[0]).split(":")[1])
    high, low = now - now % EPOCH, now % EPOCH
    number = f"{row + '.' if row else ''}xmin::text::bigint"
    # A row has 32 bits of its writer's number; those above now's belong to the round before.
    whole = f"(CASE WHEN {number} > {low} THEN {high - EPOCH} ELSE {high} END + {number})::text::xid8"
    own = ", ".join(f"'{int(one)}'" for one in writes)
    ours = f" OR {number}::text IN ({own})" if own else ""
    return f"NOT (pg_visible_in_snapshot({whole}, '{snapshot}'::pg_snapshot){ours})"
