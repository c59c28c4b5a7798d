"""An increment's result as plain values for JSON, and as lines for a person. No values of rows, but keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from console.transfer.data.canonical import ABSENT
from console.transfer.data.compare import RowDifference
from console.transfer.data.increment import IncrementResult, OnConflict, TableIncrement
from console.transfer.data.report import SHOWN, named, refused_line, refused_values


def to_values(result: IncrementResult) -> dict[str, Any]:
    """Everything, in snake_case; seconds as numbers."""
    return {
        "holds": result.holds,
        "written": result.written,
        "quarantined": result.quarantined,
        "conflicts": result.conflicts,
        "halted": result.halted,
        "tables": [_table(table) for table in result.tables],
        "schema_differences": [
            {"table": gap.table, "column": gap.column or None, "said": gap.said, "loses": gap.loses}
            for gap in result.gaps
        ],
        "quarantine": [refused_values(one) for one in result.refused],
        "faults": list(result.faults),
        "seconds": {phase: round(took, 3) for phase, took in result.seconds.items()},
    }


def _table(table: TableIncrement) -> dict[str, Any]:
    found = table.found
    return {
        "source": table.match.plan.source.name,
        "target": table.match.plan.name,
        "rows": table.rows,
        "found": {
            "only_here": found.only_here,
            "changed": found.changed,
            "only_there": found.only_there,
            "no_place": found.no_place,
            "conflicts": found.changed_touched,
            "only_there_of_others": found.only_there_touched,
        },
        "changes": [
            {"kind": one.kind.name.lower(), "key": _key(table, one), "touched": one.touched} for one in table.changes
        ],
        "upserted": table.upserted,
        "deleted": table.deleted,
        "quarantined": table.quarantined,
        "skipped": table.skipped,
        "kept": table.kept,
        "unlike": table.unlike,
    }


def _key(table: TableIncrement, one: RowDifference) -> list[str]:
    """A key as a person writes it: a text without its length."""
    shown = []
    for column, text in zip(table.match.plan.key, one.key, strict=True):
        is_text = column.type.startswith(("text", "varchar"))
        shown.append("NULL" if text == ABSENT else text.partition("=")[2] if is_text else text)
    return shown


def to_lines(result: IncrementResult) -> Iterator[str]:
    """What differs, what was done about it, and what is left to decide."""
    asked = result.increment
    for table in result.tables:
        found = table.found
        name = f"{table.match.plan.source.name} → {table.match.plan.schema}.{table.match.plan.name}"
        if not found.all:
            yield f"= {name}: {table.rows} rows, every one the same"
            continue
        yield (
            f"* {name}: {table.rows} rows, {found.only_here} new, {found.changed} changed,"
            f" {found.only_there} only there, {found.no_place} with no place"
        )
        for one in table.changes[:SHOWN]:
            yield f"    {one.kind} {', '.join(_key(table, one))}{' (written by others)' if one.touched else ''}"
        if found.all > SHOWN:
            yield f"    and {found.all - min(SHOWN, len(table.changes))} more"
        yield from _done(table, deletes=asked.deletes)
    yield from named("The schemas differ:", (_gap(gap.table, gap.column, gap.said) for gap in result.gaps))
    yield from named("In quarantine (quarterdeck.quarantine has all of it):", map(refused_line, result.refused))
    yield from named("SQLite itself finds:", result.faults)
    if result.conflicts:
        yield _about_conflicts(result)
    if asked.request.dry_run:
        yield "Nothing was written: this was a dry run."


def _done(table: TableIncrement, *, deletes: bool) -> Iterator[str]:
    if table.upserted or table.deleted:
        yield f"  {table.upserted} rows brought, {table.deleted} deleted"
    if table.found.only_there and not deletes:
        yield f"  {table.found.only_there} rows that are only there stay; --deletes removes them"
    if table.kept:
        yield f"  {table.kept} rows could not be deleted, because others point to them"
    if table.skipped:
        yield f"  {table.skipped} rows were written by others meanwhile and left alone; run it again"
    if table.unlike:
        yield f"  ✗ {table.unlike} rows still differ"


def _about_conflicts(result: IncrementResult) -> str:
    unknown = [table.match.plan.source.name for table in result.tables if not table.known and table.found.all]
    why = (
        f" No transfer of {', '.join(unknown)} is on record, so every row there counts as written by others."
        if unknown
        else ""
    )
    what = {
        OnConflict.STOP: "Nothing was written. Choose with --on-conflict source or --on-conflict target.",
        OnConflict.SOURCE: "The source's rows go over them.",
        OnConflict.TARGET: "They stay as they are over there.",
    }[result.increment.on_conflict]
    return f"{result.conflicts} rows differ and were written over there by others since the last transfer.{why} {what}"


def _gap(table: str, column: str, said: str) -> str:
    return f"{table}{'.' + column if column else ''}: {said}"
