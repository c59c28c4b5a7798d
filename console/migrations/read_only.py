"""A database that takes no writes while migrations run, and the way back, also for a run that was killed.

`default_transaction_read_only` of the database, since neither Supabase nor PostgreSQL has a call for it: sessions that
are there already would go on writing, so they are ended, and again at the end, those who came meanwhile. It keeps
applications out, not somebody who sets the setting for his own session. What was set before stands in
`quarterdeck.read_only` for as long as it lasts; a session lock tells whether who did it still lives.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from console.domain.errors import ConsoleError, Refused
from console.migrations import history, ledger
from providers.database import Database

if TYPE_CHECKING:
    from providers.database import Connection

Sleep = Callable[[float], Awaitable[None]]
WRITES = "set default_transaction_read_only = off"
"""For the session that migrates meanwhile."""
LOCK_KEY = 0x5155_4152_4445_524F
PATIENCE_S, LOOK_EVERY_S = 5.0, 0.1
"""How long what is under way in a session may take before the session is ended."""
_SETTING = """
select split_part(entry, '=', 2) from pg_db_role_setting, unnest(setconfig) entry
where setrole = 0 and setdatabase = (select oid from pg_database where datname = current_database())
  and entry like 'default\\_transaction\\_read\\_only=%'
"""
_KEEP = "create table if not exists quarterdeck.read_only (since timestamptz, who text not null, before text)"
_KEPT = "select since, who, before from quarterdeck.read_only"
_THERE = "select to_regclass('quarterdeck.read_only') is not null"
_OTHERS = """
select pid, state = 'idle' from pg_stat_activity
where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid() and {which}
"""
_SET = "select format('alter database %%I set default_transaction_read_only = %%L', current_database(), %s::text)"
_RESET = "select format('alter database %I reset default_transaction_read_only', current_database())"


@dataclass(frozen=True)
class Forgotten:
    """A database that a run of ours made read-only and did not make writable again."""

    since: datetime
    who: str


@asynccontextmanager
async def read_only(database: Database, who: str, sleep: Sleep = asyncio.sleep) -> AsyncIterator[None]:
    """Let nobody write for as long as the block lasts.

    Raises:
        Refused: It is read-only already, or somebody runs migrations; nothing was changed.
        Rejected: The role may not do it.
    """
    async with database.connect() as connection:
        await _enter(connection, database, who, sleep)
        try:
            yield
        finally:
            await asyncio.shield(_come_back(connection, database, sleep))


async def find_forgotten(connection: Connection) -> Forgotten | None:
    """What a run that died left behind; None where there is nothing, or who did it is still there."""
    kept = await _fetch_kept(connection)
    # A backup that was taken meanwhile holds the row, too: where it was restored, nothing is read-only.
    if kept is None or await _fetch_setting(connection) != "on" or not await _try_lock(connection):
        return None
    await connection.execute("select pg_advisory_unlock(%s)", (LOCK_KEY,))
    return Forgotten(kept[0], kept[1])


async def take_back(database: Database, sleep: Sleep = asyncio.sleep) -> Forgotten | None:
    """Make writable what a run that died left read-only; None where there was nothing to do."""
    async with database.connect() as connection:
        forgotten = await find_forgotten(connection)
        if forgotten is not None:
            await _leave(connection, sleep)
        return forgotten


async def _enter(connection: Connection, database: Database, who: str, sleep: Sleep) -> None:
    holder = await history.find_holder(connection)
    if holder or not await _try_lock(connection):
        raise Refused("Somebody runs migrations now.", holder or database.where, "Wait for its end.")
    before = await _fetch_setting(connection)
    if before == "on":
        raise Refused(
            "The database is read-only already.",
            database.where,
            "Find out why; `quarterdeck migrate repair … --writable` takes back what a run of ours left.",
        )
    await ledger.prepare(connection)
    await connection.execute(_KEEP)
    await connection.execute("delete from quarterdeck.read_only")
    await connection.execute("insert into quarterdeck.read_only values (now(), %s, %s)", (who, before))
    try:
        await _alter(connection, _SET, "on")
        await connection.execute(WRITES)
        await _end(connection, "backend_start <= %s", await _now(connection), sleep)
    except BaseException:
        await asyncio.shield(_come_back(connection, database, sleep))
        raise


async def _come_back(connection: Connection, database: Database, sleep: Sleep) -> None:
    if not connection.closed and not connection.broken:
        await _leave(connection, sleep)
        return
    try:
        async with database.connect() as other:
            await _leave(other, sleep)
    except ConsoleError as problem:
        raise Refused(
            "The database is still read-only, because it cannot be reached.",
            problem.where,
            "`quarterdeck migrate repair … --writable` takes it back as soon as it can.",
        ) from problem


async def _leave(connection: Connection, sleep: Sleep) -> None:
    """Set what was set before, then end the sessions that began meanwhile. Done again it changes nothing."""
    kept = await _fetch_kept(connection)
    if kept is None:
        return
    await connection.execute(WRITES)
    await _alter(connection, *((_SET, kept[2]) if kept[2] else (_RESET,)))
    await _end(connection, "backend_start >= %s", kept[0], sleep)
    await connection.execute("delete from quarterdeck.read_only")
    await connection.execute("select pg_advisory_unlock(%s)", (LOCK_KEY,))


async def _end(connection: Connection, which: str, moment: datetime, sleep: Sleep) -> None:
    """End sessions, idle ones at once, others when they are idle or have had their time; wait until they are gone."""
    import psycopg

    query, waited = _OTHERS.format(which=which).encode(), 0.0
    kept: set[int] = set()
    while waited < 2 * PATIENCE_S:
        rows = await (await connection.execute(query, (moment,))).fetchall()
        left = [(pid, idle) for pid, idle in rows if pid not in kept]
        if not left:
            return
        for pid, idle in left:
            if idle or waited >= PATIENCE_S:
                try:
                    await connection.execute("select pg_terminate_backend(%s)", (pid,))
                except psycopg.errors.InsufficientPrivilege:
                    kept.add(pid)  # A superuser's session, which no other role may end.
        await sleep(LOOK_EVERY_S)
        waited += LOOK_EVERY_S


async def _now(connection: Connection) -> datetime:
    row = await (await connection.execute("select clock_timestamp()")).fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment


async def _alter(connection: Connection, query: str, *values: str) -> None:
    row = await (await connection.execute(query.encode(), values or None)).fetchone()
    if row is not None:
        await connection.execute(str(row[0]).encode())


async def _fetch_setting(connection: Connection) -> str | None:
    row = await (await connection.execute(_SETTING.encode())).fetchone()
    return None if row is None else str(row[0])


async def _fetch_kept(connection: Connection) -> tuple[Any, ...] | None:
    there = await (await connection.execute(_THERE)).fetchone()
    return await (await connection.execute(_KEPT)).fetchone() if there and there[0] else None


async def _try_lock(connection: Connection) -> bool:
    row = await (await connection.execute("select pg_try_advisory_lock(%s)", (LOCK_KEY,))).fetchone()
    return bool(row and row[0])
