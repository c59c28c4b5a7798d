"""The migration history of a Supabase database, exactly as the Supabase CLI keeps it.

`supabase_migrations.schema_migrations(version text primary key, statements text[], name text)`: either tool can take
over from the other. Old projects lack the last two columns. A run holds a session advisory lock of ours; the CLI
takes none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from providers.database import Connection

LOCK_KEY = 0x5155_4152_4445_434B
"""One run a database at a time: "QUARDECK" as a number."""
_VERSIONS = "select version from supabase_migrations.schema_migrations order by version"
_STATEMENTS = "select version, statements from supabase_migrations.schema_migrations"
_RECORD = "insert into supabase_migrations.schema_migrations (version, name, statements) values (%s, %s, %s)"
_FORGET = "delete from supabase_migrations.schema_migrations where version = %s"
_CREATE = (
    "create schema if not exists supabase_migrations",
    "create table if not exists supabase_migrations.schema_migrations (version text not null primary key)",
)
_COMPLETE = (
    "alter table supabase_migrations.schema_migrations add column if not exists statements text[]",
    "alter table supabase_migrations.schema_migrations add column if not exists name text",
)
_COLUMNS = """
select attname::text from pg_attribute
where attrelid = to_regclass('supabase_migrations.schema_migrations') and attnum > 0 and not attisdropped
"""
"""Not from information_schema, which shows a role without rights to the history an empty one."""
_HOLDER = """
select a.pid, a.application_name, a.usename, a.client_addr::text, a.backend_start
from pg_locks l join pg_stat_activity a using (pid)
where l.locktype = 'advisory' and l.granted and l.objsubid = 1
  and l.database = (select oid from pg_database where datname = current_database())
  and l.classid = %s and l.objid = %s
"""
_HOLDS = """
select exists (select 1 from pg_locks l join pg_class c on c.oid = l.relation where l.pid = pg_backend_pid()
  and l.mode = 'AccessExclusiveLock' and l.granted and c.relkind in ('r', 'p', 'm') and c.reltuples >= 0)
"""
"""A table that this transaction made itself was never counted (-1), nor was one that hardly holds anything."""
_OLDEST_TRANSACTIONS = """
select pid, coalesce(nullif(application_name, ''), usename, '?'), state, xact_start
from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null
order by xact_start limit 3
"""


async def fetch_versions(connection: Connection) -> list[str]:
    """Applied versions, oldest first; none for a database without a history."""
    if not await _columns(connection):
        return []
    cursor = await connection.execute(_VERSIONS)
    return [row[0] for row in await cursor.fetchall()]


async def fetch_statements(connection: Connection) -> Mapping[str, Sequence[str]]:
    """What was run for each applied version; empty where it was not kept."""
    columns = await _columns(connection)
    if "statements" not in columns:
        return dict.fromkeys(await fetch_versions(connection), ())
    cursor = await connection.execute(_STATEMENTS)
    return {version: statements or () for version, statements in await cursor.fetchall()}


async def prepare(connection: Connection) -> None:
    """Make the history where it is missing. Touches nothing where it is whole, since that would wait for readers."""
    columns = await _columns(connection)
    if {"version", "statements", "name"} <= columns:
        return
    async with connection.transaction():
        await connection.execute("set local lock_timeout = '2s'")
        for statement in (*(() if columns else _CREATE), *_COMPLETE):
            await connection.execute(statement)


async def record(connection: Connection, version: str, name: str, statements: Sequence[str]) -> None:
    await connection.execute(_RECORD, (version, name, list(statements)))


async def forget(connection: Connection, version: str) -> None:
    await connection.execute(_FORGET, (version,))


async def try_lock(connection: Connection) -> bool:
    """Take the lock for this session, or say that somebody else has it. It ends with the connection at the latest."""
    row = await (await connection.execute("select pg_try_advisory_lock(%s)", (LOCK_KEY,))).fetchone()
    return bool(row and row[0])


async def fetch_pid(connection: Connection) -> int:
    """The server's own process for this session: what a pooler tells at log-in may be another."""
    row = await (await connection.execute("select pg_backend_pid()")).fetchone()
    return int(row[0]) if row else 0


async def find_holder(connection: Connection) -> str:
    """Who runs migrations now, in words; "" for nobody."""
    row = await (await connection.execute(_HOLDER, (LOCK_KEY >> 32, LOCK_KEY & 0xFFFF_FFFF))).fetchone()
    if row is None:
        return ""
    pid, application, user, address, since = row
    place = f" at {address}" if address else ""
    return f"{application or 'somebody'} ({user}{place}, process {pid}, since {since:%H:%M:%S %Z})"


async def find_oldest_transactions(connection: Connection) -> str:
    """Open transactions that may hold a lock, oldest first, in words; "" for none."""
    rows = await (await connection.execute(_OLDEST_TRANSACTIONS)).fetchall()
    return ", ".join(f"{name} (process {pid}, {state}, since {since:%H:%M:%S %Z})" for pid, name, state, since in rows)


async def holds_readers(connection: Connection) -> bool:
    """Whether this transaction holds a lock on a table by which its readers wait."""
    row = await (await connection.execute(_HOLDS)).fetchone()
    return bool(row and row[0])


async def _columns(connection: Connection) -> set[str]:
    return {row[0] for row in await (await connection.execute(_COLUMNS)).fetchall()}
