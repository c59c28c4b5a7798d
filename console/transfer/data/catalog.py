"""What the tables over there are, as the server's catalogue says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from console.transfer.data.records import Target

_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
  a.atthasdef OR a.attidentity <> '', a.attgenerated <> ''
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relnamespace = to_regnamespace(%s) AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY c.relname, a.attnum
"""
_KEYS = """
SELECT c.relname, array_agg(a.attname::text ORDER BY a.attname)
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[])
WHERE c.relnamespace = to_regnamespace(%s) AND i.indisunique AND i.indisvalid AND i.indimmediate
  AND i.indpred IS NULL AND i.indexprs IS NULL
GROUP BY c.relname, i.indexrelid
"""
_PARENTS = """
SELECT c.relname, p.relname FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid
JOIN pg_class AS p ON p.oid = k.confrelid WHERE k.contype = 'f' AND c.relnamespace = to_regnamespace(%s)
"""
_TIMES = re.compile(r"(timestamp|time)(\(\d\))? (with|without) time zone")


@dataclass(frozen=True)
class ThereColumn:
    """One column. `type` in the short words that are used here. `filled`: a row that leaves it out gets a value."""

    name: str
    type: str
    not_null: bool
    filled: bool
    generated: bool


@dataclass(frozen=True)
class ThereTable:
    """One table. `keys`: the sets of columns that are unique. `parents`: tables that its rows point to."""

    name: str
    columns: Mapping[str, ThereColumn]
    keys: frozenset[frozenset[str]]
    parents: frozenset[str]


def read_catalog(target: Target, schema: str) -> dict[str, ThereTable]:
    """The tables of a schema, already quoted, by name."""
    columns: dict[str, dict[str, ThereColumn]] = {}
    for table, name, kind, not_null, filled, generated in target.execute(_COLUMNS, (schema,)):
        columns.setdefault(table, {})[name] = ThereColumn(name, _short(kind), not_null, filled, generated)
    keys: dict[str, set[frozenset[str]]] = {}
    for table, names in target.execute(_KEYS, (schema,)):
        keys.setdefault(table, set()).add(frozenset(names))
    parents: dict[str, set[str]] = {}
    for table, parent in target.execute(_PARENTS, (schema,)):
        parents.setdefault(table, set()).add(parent)
    return {
        name: ThereTable(name, found, frozenset(keys.get(name, ())), frozenset(parents.get(name, ())))
        for name, found in columns.items()
    }


def _short(kind: str) -> str:
    found = _TIMES.fullmatch(kind)
    if found and not found[2] and (found[1], found[3]) != ("time", "with"):
        return found[1] + ("tz" if found[3] == "with" else "")
    return kind.replace("character varying", "varchar")
