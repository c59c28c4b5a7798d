"""Columns of a database that may hold texts, and what keeps one from being rewritten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg.sql import SQL, Composable, Identifier

from console.domain.errors import UsageError
from console.transfer.connecting import Target
from console.transfer.files.values import Writing

_COLUMNS = """
SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, NULL), t.typname,
  COALESCE((
    SELECT array_agg(k.attname ORDER BY u.n) FROM pg_index i
    CROSS JOIN LATERAL unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY AS u(num, n)
    JOIN pg_attribute k ON k.attrelid = c.oid AND k.attnum = u.num
    WHERE i.indexrelid = (
      SELECT x.indexrelid FROM pg_index x WHERE x.indrelid = c.oid AND x.indisunique AND x.indisvalid
        AND x.indpred IS NULL AND x.indexprs IS NULL AND NOT a.attnum = ANY (x.indkey)
        AND NOT EXISTS (
          SELECT FROM pg_attribute y WHERE y.attrelid = c.oid AND y.attnum = ANY (x.indkey) AND NOT y.attnotnull)
      ORDER BY x.indisprimary DESC, x.indexrelid LIMIT 1)), '{}'),
  EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND (
    (f.conrelid = c.oid AND a.attnum = ANY (f.conkey)) OR (f.confrelid = c.oid AND a.attnum = ANY (f.confkey)))),
  COALESCE((
    SELECT array_agg(g.tgname::text ORDER BY g.tgname) FROM pg_trigger g
    WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgenabled <> 'D' AND g.tgtype & 16 <> 0
      AND (g.tgattr::text = '' OR a.attnum = ANY (g.tgattr::int2[]))), '{}'),
  has_table_privilege(c.oid, 'SELECT'), has_column_privilege(c.oid, a.attnum, 'UPDATE')
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
  AND a.attgenerated = '' AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> ALL (%s)
  AND (t.typcategory = 'S' OR t.typname IN ('json', 'jsonb') OR e.typcategory = 'S')
ORDER BY 1, 2, a.attnum
"""
PLATFORMS = [
    "information_schema",
    "quarterdeck",
    "auth",
    "storage",
    "realtime",
    "vault",
    "extensions",
    "graphql",
    "graphql_public",
    "net",
    "pgbouncer",
    "supabase_functions",
    "supabase_migrations",
    "cron",
]
"""Schemas that belong to the platform or to us."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        type: As it is written, without a length: a cast to one would cut what does not fit.
        writing: How it writes its values.
        key: Columns that name a row, without this one; empty for none.
        triggers: Of its table, those that run when this column is written.
        obstacle: Why it cannot be rewritten and taken back; empty for nothing.
    """

    schema: str
    table: str
    name: str
    type: str
    writing: Writing
    key: tuple[str, ...]
    triggers: tuple[str, ...]
    obstacle: str

    @property
    def words(self) -> str:
        """`orders.picture`, with the schema where it is not `public`."""
        short = f"{self.table}.{self.name}"
        return short if self.schema == "public" else f"{self.schema}.{short}"

    @property
    def relation(self) -> Composable:
        return Identifier(self.schema, self.table)

    @property
    def row(self) -> Composable:
        """The key of a row as one value: `jsonb_build_array(t."id")`."""
        return SQL("jsonb_build_array({})").format(SQL(", ").join(Identifier("t", name) for name in self.key))


def fetch_columns(target: Target) -> list[Column]:
    """Every column that may hold a text and can be read."""
    rows = target.execute(_COLUMNS, (PLATFORMS,)).fetchall()
    return [_column(row) for row in rows if row[8]]


def choose(columns: list[Column], named: tuple[str, ...]) -> list[Column]:
    """Those of the names, `TABLE.COLUMN` or `SCHEMA.TABLE.COLUMN`.

    Raises:
        UsageError: One is unknown, or several schemas have it.
    """
    chosen = []
    for name in named:
        found = [one for one in columns if name in (one.words, f"{one.schema}.{one.table}.{one.name}")]
        found = found or [one for one in columns if name == f"{one.table}.{one.name}"]
        if len(found) != 1:
            known = ", ".join(one.words for one in found) or "no column with texts has that name"
            raise UsageError(
                f"{name!r} is no column that could be rewritten.", known, "Name it as SCHEMA.TABLE.COLUMN."
            )
        chosen += found
    return chosen


def _column(row: tuple[Any, ...]) -> Column:
    schema, table, name, written, kind, key, is_reference, triggers, _, may_update = row
    obstacle = ""
    if not key:
        obstacle = "its table has no key apart from it by which a row could be found again"
    elif is_reference:
        obstacle = "a foreign key leads from or to it"
    elif kind.removeprefix("_") in ("name", "char") or kind == "_bpchar":
        obstacle = f"{written} does not keep a text as it is"
    elif not may_update:
        obstacle = "this role may not write it"
    writing = Writing.JSON if kind in ("json", "jsonb") else Writing.ARRAY if kind.startswith("_") else Writing.PLAIN
    # Written as `character`, a cast to it would cut after one.
    cast = kind if kind == "bpchar" else written
    return Column(schema, table, name, cast, writing, tuple(key), tuple(triggers), obstacle)
