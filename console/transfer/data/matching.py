"""Bring a file's tables together with those that are over there, and say where the two are not alike."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from console.transfer.data.bases import Base
from console.transfer.data.catalog import ThereColumn, ThereTable
from console.transfer.data.choosing import Choice, ColumnRule, choose
from console.transfer.data.converters import TYPES
from console.transfer.data.inventory import SourceColumn, SourceTable, Stored, quoted
from console.transfer.data.naming import name_all, name_columns
from console.transfer.data.plan import ColumnPlan, TablePlan
from console.transfer.data.survey import ColumnFacts, survey

Rules = Mapping[tuple[str, str], ColumnRule]


@dataclass(frozen=True)
class Gap:
    """Where the two schemas differ. `loses`: something of the source stays behind because of it."""

    table: str
    said: str
    column: str = ""
    loses: bool = True


@dataclass(frozen=True)
class Match:
    """One table on both sides."""

    plan: TablePlan
    there: ThereTable
    base: Base | None


def match_tables(
    lite: sqlite3.Connection,
    tables: Sequence[SourceTable],
    there: Mapping[str, ThereTable],
    bases: Mapping[str, Base],
    *,
    schema: str,
    keep_case: bool,
    rules: Rules,
) -> tuple[tuple[Match, ...], tuple[Gap, ...]]:
    """The tables that can be brought up to date, parents first, and every difference of the schemas."""
    names = name_all((table.name for table in tables), keep_case=keep_case)
    found, gaps = [], list[Gap]()
    for table in tables:
        base = bases.get(table.name.lower())
        other = there.get(base.target if base else names[table.name])
        if other is None:
            gaps.append(Gap(table.name, f"There is no table {names[table.name]} over there; transfer it by itself."))
            continue
        plan = _plan(lite, table, other, base, schema=schema, keep_case=keep_case, rules=rules)
        gaps += _gaps(table, plan, other)
        why = _why_not(plan, other)
        if why:
            gaps.append(Gap(table.name, why))
        else:
            found.append(Match(plan, other, base))
    return tuple(_parents_first(found)), tuple(gaps)


def _plan(
    lite: sqlite3.Connection,
    table: SourceTable,
    there: ThereTable,
    base: Base | None,
    *,
    schema: str,
    keep_case: bool,
    rules: Rules,
) -> TablePlan:
    names = dict(name_columns((column.name for column in table.columns), keep_case=keep_case))
    kept = base.columns if base else {}
    names |= {name: there_name for name, (there_name, _) in kept.items() if name in names}
    known = all(column.name in kept for column in table.columns if names[column.name] in there.columns)
    facts = _key_facts(lite, table) if known else survey(lite, table)
    columns = []
    for column in table.columns:
        other = there.columns.get(names[column.name])
        if other is None or other.generated:
            continue
        rule = rules.get((table.name.lower(), column.name.lower()))
        was = kept[column.name][1] if column.name in kept else choose(column, facts[column.name], rule)
        columns.append(ColumnPlan(column, other.name, _choice(column, other, was, rule), facts[column.name]))
    return TablePlan(table, schema, there.name, tuple(columns))


def _choice(column: SourceColumn, there: ThereColumn, was: Choice, rule: ColumnRule | None) -> Choice:
    """How values are read: the type is what it is over there; what they mean stays what it was."""
    reading = rule.reading if rule else was.reading
    known = there.type.partition("(")[0] in TYPES
    direct = was.direct and was.type == there.type and column.stored is Stored.PLAIN and rule is None
    return replace(was, type=there.type, direct=direct or not known, reading=reading)


def _key_facts(lite: sqlite3.Connection, table: SourceTable) -> Mapping[str, ColumnFacts]:
    """No look at the values: only how many rows there are, and whether a key has a NULL."""
    name = quoted(table.name)
    rows = int(lite.execute(f"SELECT count(*) FROM {name}").fetchone()[0])

    def is_full(column: SourceColumn) -> bool:
        if not column.key or column.name == table.rowid_alias:
            return True
        return lite.execute(f"SELECT 1 FROM {name} WHERE {quoted(column.name)} IS NULL LIMIT 1").fetchone() is None

    return {one.name: ColumnFacts(rows, texts=rows if is_full(one) else 0) for one in table.columns}


def _gaps(table: SourceTable, plan: TablePlan, there: ThereTable) -> Iterator[Gap]:
    sent = {one.source.name for one in plan.columns}
    computed = {one.name for one in there.columns.values() if one.generated}
    for column in table.columns:
        if column.name not in sent and column.name.lower() not in {name.lower() for name in computed}:
            yield Gap(table.name, "It is not over there; its values stay behind.", column.name)
    here = {one.name for one in plan.columns}
    for other in there.columns.values():
        if other.name in here or other.generated:
            continue
        needed = other.not_null and not other.filled
        said = "It is only over there" + (
            ", may not be NULL and has no default: new rows will be refused." if needed else "."
        )
        yield Gap(table.name, said, other.name, loses=needed)
    for one in plan.columns:
        if one.type.partition("(")[0] not in TYPES:
            yield Gap(table.name, f"Its type {one.type} is compared by its text.", one.name, loses=False)


def _why_not(plan: TablePlan, there: ThereTable) -> str:
    """Why a table cannot be brought up to date; empty where it can."""
    if not plan.source.key:
        return "It has no primary key, so that nothing tells its rows apart; transfer it anew."
    key = frozenset(one.name for one in plan.key)
    if len(key) < len(plan.source.key):
        return "A column of its primary key is not over there."
    if key not in there.keys:
        return f"Nothing over there makes {', '.join(sorted(key))} unique."
    return ""


def _parents_first(found: Sequence[Match]) -> Iterator[Match]:
    """Tables behind those that their rows point to; a ring is cut somewhere."""
    left = list(found)
    while left:
        names = {one.there.name for one in left}
        free = next((one for one in left if not (one.there.parents - {one.there.name}) & names), left[0])
        left.remove(free)
        yield free
