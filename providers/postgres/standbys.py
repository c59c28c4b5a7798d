"""A PostgreSQL and its physical standby: how far apart they are, which takes writes, and the change of roles.

A primary is fenced in its own configuration file (`ALTER SYSTEM`), never in its catalogue: what stands there would be
replicated, and the promoted standby would be read-only as well. Statements by a session that sets
`transaction_read_only = off` for itself get through; sessions that were there before are ended.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from console.domain.errors import Rejected, Unreachable
from console.domain.standby import Server
from providers.postgres import address as addresses
from providers.postgres.session import NAME, connect

if TYPE_CHECKING:
    from providers.postgres.session import Connection

LOOK = """
select pg_is_in_recovery(), current_setting('default_transaction_read_only') = 'on',
case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end - '0/0'::pg_lsn,
case when pg_is_in_recovery() then pg_last_wal_receive_lsn() - '0/0'::pg_lsn end,
pg_last_xact_replay_timestamp(), clock_timestamp(), {fence},
has_function_privilege('pg_promote(boolean, integer)', 'execute')
"""
IS_SUPERUSER = "(select rolsuper from pg_roles where rolname = current_user)"
GRANTED = f"({IS_SUPERUSER} or has_parameter_privilege('default_transaction_read_only', 'ALTER SYSTEM'))"
GRANTS_SINCE = 150_000
"""ALTER SYSTEM can be granted since PostgreSQL 15; before, only a superuser has it."""
CLUSTER = "select system_identifier::text from pg_control_system()"
END_OTHERS = """
select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()
"""
PROMOTE_WITHIN_S = 60
LOOKS, LOOK_EVERY_S = 40, 0.05
"""A changed configuration file is read within milliseconds; two seconds is far beyond that."""


class PostgresStandbys:
    """Obeys `providers.contract.Standbys`. Holds nothing: each call has a connection of its own."""

    def place_of(self, address: str) -> str:
        return addresses.read(address).place

    async def look(self, address: str) -> Server:
        async with connect(address) as connection:
            return await _look(connection)

    async def fence(self, address: str) -> Server:
        await self._set(address, "alter system set default_transaction_read_only = on", read_only=True)
        async with connect(address) as connection:
            await connection.execute(END_OTHERS)
            return await _look(connection)

    async def unfence(self, address: str) -> None:
        await self._set(address, "alter system reset default_transaction_read_only", read_only=False)

    async def promote(self, address: str) -> Server:
        async with connect(address) as connection:
            if (await _look(connection)).in_recovery:
                cursor = await connection.execute("select pg_promote(true, %s)", (PROMOTE_WITHIN_S,))
                row = await cursor.fetchone()
                if not row or not row[0]:
                    what = f"The standby did not take over within {PROMOTE_WITHIN_S} s."
                    raise Unreachable(NAME, what, self.place_of(address), "It may still replay; ask again.")
            found = await _look(connection)
        if found.read_only:
            # An old primary that was fenced, and comes back.
            await self.unfence(address)
        return await self.look(address)

    async def try_writing(self, address: str) -> None:
        async with connect(address) as connection:
            found = await _look(connection)
            if found.in_recovery or found.read_only:
                why = "is still a standby" if found.in_recovery else "is read-only"
                raise Rejected(NAME, f"The database {why}.", self.place_of(address))
            async with connection.transaction(force_rollback=True):
                await connection.execute("select pg_current_xact_id()")

    async def _set(self, address: str, statement: str, *, read_only: bool) -> None:
        async with connect(address) as connection:
            await connection.execute(statement)
            await connection.execute("select pg_reload_conf()")
        for _ in range(LOOKS):
            if (await self.look(address)).read_only is read_only:
                return
            await asyncio.sleep(LOOK_EVERY_S)
        state = "read-only" if read_only else "writable"
        what = f"New sessions are not {state}, though the server was told so."
        remedy = "default_transaction_read_only is also set for a role, a database or on the server's command line."
        raise Rejected(NAME, what, self.place_of(address), remedy)


async def _look(connection: Connection) -> Server:
    from psycopg import Error

    fence = GRANTED if connection.info.server_version >= GRANTS_SINCE else IS_SUPERUSER
    row = await (await connection.execute(LOOK.format(fence=fence))).fetchone()
    assert row is not None
    recovery, read_only, position, received, commit, now, may_fence, may_promote = row
    cluster = ""
    with suppress(Error):
        known = await (await connection.execute(CLUSTER)).fetchone()
        cluster = str(known[0]) if known else ""
    return Server(
        in_recovery=recovery,
        read_only=read_only,
        position=int(position or 0),
        received=None if received is None else int(received),
        last_commit_at=commit,
        asked_at=now,
        cluster=cluster,
        may_fence=may_fence,
        may_promote=may_promote,
    )
