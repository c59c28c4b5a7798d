"""Whether a migration left alone what it does not name: by what its transaction counted, and by checksums.

The server counts the rows that a transaction of ours changed apart from all others, also by triggers, cascades and
functions, so that rows which other sessions write meanwhile are never taken for ours. Checksums see whatever happened,
and prove something only while nobody else writes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.migrations.scripts import Script

if TYPE_CHECKING:
    from providers.database import Connection

OURS = ("quarterdeck", "supabase_migrations")
_CHANGED = """
select schemaname, relname, n_tup_ins, n_tup_upd, n_tup_del from pg_stat_xact_user_tables
where n_tup_ins + n_tup_upd + n_tup_del > 0 and schemaname <> all(%s) order by 1, 2
"""
_TABLES = """
select n.nspname, c.relname, format('%%I.%%I', n.nspname, c.relname)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and n.nspname <> all(%s) order by 3
"""
_SUM = "select count(*), coalesce(sum(hashtextextended(t::text, 0)), 0)::text from {} t"
_SAME_TEXTS = """
set local timezone = 'UTC'; set local datestyle = 'ISO'; set local intervalstyle = 'postgres';
set local row_security = off; set local extra_float_digits = 1; set local bytea_output = 'hex';
set local search_path = pg_catalog;
set local statement_timeout = 0; set local lock_timeout = '2s'
"""


@dataclass(frozen=True)
class Sum:
    """A table's number of rows, and the sum of their hashes: the order of rows does not count, their number does."""

    rows: int
    hashes: str


async def name_changed(connection: Connection, script: Script) -> Sequence[str]:
    """Tables whose rows this transaction changed although the file does not name them, with the counts in words."""
    rows = await (await connection.execute(_CHANGED, (list(OURS),))).fetchall()
    return [
        f"{schema}.{table} ({', '.join(_counts(inserted, updated, deleted))})"
        for schema, table, inserted, updated, deleted in rows
        if not _names(script.sql, table)
    ]


async def fetch_sums(
    connection: Connection, scripts: Sequence[Script], told: Callable[[str], None] = lambda table: None
) -> Mapping[str, Sum]:
    """Checksums of all tables that none of the files names, of one moment. Takes about 2 s a million rows.

    Hashes of this server's own: they compare with none of another server.
    """
    sql = "\n".join(script.sql for script in scripts)
    found: dict[str, Sum] = {}
    async with connection.transaction():
        await connection.execute("set transaction isolation level repeatable read, read only")
        await connection.execute(_SAME_TEXTS)
        tables = await (await connection.execute(_TABLES, (list(OURS),))).fetchall()
        for _, table, full in tables:
            if _names(sql, table):
                continue
            told(full)
            row = await (await connection.execute(_SUM.format(full).encode())).fetchone()
            if row is not None:
                found[full] = Sum(*row)
    return found


def compare(before: Mapping[str, Sum], after: Mapping[str, Sum]) -> Sequence[str]:
    """What differs of tables that were there before, in words; empty when nothing does."""
    found = []
    for table, then in before.items():
        now = after.get(table)
        if now is None:
            found.append(f"{table} is gone")
        elif now.rows != then.rows:
            found.append(f"{table} had {then.rows} rows and has {now.rows}")
        elif now != then:
            found.append(f"{table} has as many rows, and other values")
    return found


def _names(sql: str, table: str) -> bool:
    """Whether the table's name stands anywhere in the text, as a word of its own."""
    return re.search(rf"(?<![\w$]){re.escape(table)}(?![\w$])", sql, re.IGNORECASE) is not None


def _counts(inserted: int, updated: int, deleted: int) -> list[str]:
    counts = {"added": inserted, "changed": updated, "deleted": deleted}
    return [f"{count} {'row' if count == 1 else 'rows'} {word}" for word, count in counts.items() if count]
