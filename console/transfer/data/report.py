"""A transfer's result as plain values for JSON, and as lines for a person. No values of rows, but keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from console.transfer.data.records import Refused
from console.transfer.data.request import Result

SHOWN = 20


def to_values(result: Result) -> dict[str, Any]:
    """Everything, in snake_case; seconds as numbers."""
    return {
        "transfer": result.transfer or None,
        "holds": result.holds,
        "quarantined": result.quarantined,
        "tables": [
            {
                "source": table.source.name,
                "target": table.name,
                "rows": table.rows,
                "columns": [
                    {
                        "source": column.source.name,
                        "declared": column.source.declared,
                        "target": column.name,
                        "type": column.type,
                        "reason": column.choice.reason,
                        "notes": list(column.choice.notes),
                        "misfits": column.choice.misfits,
                    }
                    for column in table.columns
                ],
            }
            for table in result.plan.tables
        ],
        "proofs": [
            {
                "table": proof.table,
                "source_rows": proof.source,
                "target_rows": proof.target,
                "quarantined": proof.quarantined,
                "differences": [{"kind": one.kind.name.lower(), "key": list(one.key)} for one in proof.differences],
                "insert": proof.insert,
                "holds": proof.holds,
            }
            for proof in result.proofs
        ],
        "quarantine": [refused_values(one) for one in result.refused],
        "obstacles": list(result.obstacles),
        "missing": [{"about": one.about, "reason": one.reason, "sql": one.sql} for one in result.missing],
        "by_hand": list(result.by_hand),
        "things": [{"kind": one.kind, "name": one.name, "sql": one.sql} for one in result.plan.inventory.things],
        "faults": list(result.faults),
        "seconds": {phase: round(took, 3) for phase, took in result.seconds.items()},
    }


def refused_values(one: Refused) -> dict[str, Any]:
    key = {name: value.hex() if isinstance(value, bytes) else value for name, value in one.key.items()}
    return {"table": one.table, "key": key, "column": one.column, "reason": one.reason}


def to_lines(result: Result) -> Iterator[str]:
    """What a person wants to know first: what went where, what did not, and what is left to do."""
    for table in result.plan.tables:
        yield f"{table.source.name} → {table.schema}.{table.name}, {table.rows} rows"
        for column in table.columns:
            declared = column.source.declared or "(no type)"
            renamed = "" if column.name in (column.source.name, column.source.name.lower()) else f"{column.name} "
            yield f"  {column.source.name} {declared} → {renamed}{column.type}: {column.choice.reason}"
            yield from (f"    {note}" for note in column.choice.notes)
    for proof in result.proofs:
        mark = "✓" if proof.holds else "✗"
        sums = f"{proof.source} rows = {proof.target} there + {proof.quarantined} in quarantine"
        yield f"{mark} {proof.table}: {sums}{', every row the same' if not proof.differences else ''}"
        yield from (f"    {one.kind} {', '.join(one.key)}" for one in proof.differences)
        if proof.insert:
            yield f"    {proof.insert}"
    where = "(quarterdeck.quarantine has all of it)" if result.proofs else "(would be put there)"
    yield from named(f"In quarantine {where}:", (refused_line(one) for one in result.refused))
    yield from named("In the way over there:", result.obstacles)
    yield from named("Not made over there:", (f"{one.about}: {one.reason}" for one in result.missing))
    yield from named("Left for a person:", result.by_hand)
    yield from named("SQLite itself finds:", result.faults)


def refused_line(one: Refused) -> str:
    key = ", ".join(f"{name}={value!r}" for name, value in one.key.items()) or "a row without a key"
    return f"{one.table} {key}: {one.column}: {one.reason}"


def named(title: str, lines: Any) -> Iterator[str]:
    found = list(lines)
    if found:
        yield title
        yield from (f"  {line}" for line in found[:SHOWN])
        if len(found) > SHOWN:
            yield f"  and {len(found) - SHOWN} more"
