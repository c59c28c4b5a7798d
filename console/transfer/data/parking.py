"""Put unique values of rows aside for a moment, so that rows can take each other's: `a` for `b` while `b` for `a`."""

from __future__ import annotations

from collections.abc import Iterator

from console.transfer.data.inventory import quoted
from console.transfer.data.plan import TablePlan
from console.transfer.data.records import Target
from console.transfer.data.schema import full_name

_UNIQUE = """
SELECT i.indexrelid::bigint, a.attname::text, a.attnotnull, format_type(a.atttypid, NULL),
  EXISTS (SELECT FROM pg_constraint AS f
    WHERE f.confrelid = i.indrelid AND f.contype = 'f' AND a.attnum = ANY (f.confkey))
FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND (a.attnum = ANY (i.indkey::int2[])
  OR EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
    AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum))
WHERE i.indrelid = %s::regclass AND i.indisunique AND NOT i.indnullsnotdistinct AND a.attnum > 0
  AND a.attgenerated = '' ORDER BY a.attnotnull, a.attnum
"""
_UNLIKELY = {
    "text": "md5(random()::text)",
    "character varying": "left(md5(random()::text), {size})",
    "bigint": "(-9e15 * random())::bigint",
    "integer": "(-2e9 * random())::integer",
    "numeric": "(-9e15 * random())::numeric",
    "double precision": "-9e15 * random()",
    "uuid": "gen_random_uuid()",
    "bytea": "decode(md5(random()::text), 'hex')",
    "timestamp without time zone": "timestamp '0001-01-01' + random() * interval '900 years'",
    "timestamp with time zone": "timestamptz '0001-01-01Z' + random() * interval '900 years'",
}
"""Values that no row has, by type, for columns that may not be NULL."""


def write_parking(target: Target, table: TablePlan) -> str:
    """What an UPDATE sets so that no unique index but the key's has the row's values any more; empty where none can.

    A column that other rows point to stays as it is: what happens to those is not for a moment only.
    """
    key = {column.name for column in table.key}
    by_index: dict[int, list[tuple[str, bool, str, bool]]] = {}
    for index, *column in target.execute(_UNIQUE.encode(), (full_name(table),)):
        by_index.setdefault(index, []).append((column[0], column[1], column[2], column[3]))
    parked = {}
    for columns in by_index.values():
        if {name for name, *_ in columns} <= key:
            continue
        found = next(_parked(table, key, columns), None)
        if found is None:
            return ""
        parked[found[0]] = found[1]
    return ", ".join(f"{quoted(name)} = {value}" for name, value in parked.items())


def _parked(table: TablePlan, key: set[str], columns: list[tuple[str, bool, str, bool]]) -> Iterator[tuple[str, str]]:
    types = {one.name: one.type for one in table.columns}
    for name, is_needed, kind, is_pointed_to in columns:
        if name in key or is_pointed_to:
            continue
        if not is_needed:
            yield name, "NULL"
        elif kind in _UNLIKELY:
            yield name, _UNLIKELY[kind].format(size=types.get(name, "").partition("(")[2].rstrip(")") or "32")
