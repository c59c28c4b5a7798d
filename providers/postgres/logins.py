"""Two login roles of one PostgreSQL that take turns, so that a new password is there beside the old one.

A password leaves this process as a SCRAM verifier, computed here as psql's `\\password` does: no statement, and so no
log of the server, ever has the password itself. Every change states what is to be; done again it changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from console.domain.errors import Rejected, Unauthorized, Unreachable, UsageError
from console.domain.rotation import Turn
from providers.contract import Login, RoleSessions, TurnFacts
from providers.postgres import address as addresses
from providers.postgres.session import NAME, connect
from providers.postgres.survey import ADMIN_OPTION_SINCE, survey

if TYPE_CHECKING:
    from psycopg.sql import Composed

    from providers.postgres.session import Connection

SETTINGS = """
select datname, split_part(entry, '=', 1), substr(entry, strpos(entry, '=') + 1)
from pg_db_role_setting join pg_roles on pg_roles.oid = setrole left join pg_database on pg_database.oid = setdatabase,
unnest(setconfig) entry where rolname = %s
"""
SESSIONS = """
select coalesce(application_name, ''), coalesce(host(client_addr), ''), coalesce(datname, ''), count(*)
from pg_stat_activity where usename = %s group by 1, 2, 3 order by 4 desc, 1, 2, 3
"""
END = "select pg_terminate_backend(pid) from pg_stat_activity where usename = %s"
DENIED, IN_USE = "42501", "2BP01"


class PostgresLogins:
    """Obeys `providers.contract.Logins`. Holds nothing: each call has a connection of its own."""

    def read(self, address: str) -> Login:
        return addresses.read(address)

    def rewrite(self, address: str, role: str, password: str) -> str:
        return addresses.rewrite(address, role, password)

    def password_of(self, address: str) -> str:
        return addresses.password_of(address)

    async def survey(self, admin: str, turn: Turn, fallback: str) -> TurnFacts:
        async with connect(admin) as connection:
            return await survey(connection, turn, fallback)

    async def prepare(self, admin: str, turn: Turn, password: str) -> None:
        async with connect(admin, (password,)) as connection:
            verifier = _verifier(connection, turn.new, password)
            async with connection.transaction():
                if not await _exists(connection, turn.new):
                    await connection.execute(_sql("create role {}", turn.new))
                limit = await (
                    await connection.execute("select rolconnlimit from pg_roles where rolname = %s", (turn.old,))
                ).fetchone()
                alter = "alter role {} with inherit connection limit {} valid until 'infinity'"
                await connection.execute(_sql(alter, turn.new, values=(limit[0] if limit else -1,)))
                await self._copy_settings(connection, turn)
                if turn.owner != turn.new:
                    how = " with inherit true, set true" if _server(connection) >= ADMIN_OPTION_SINCE else ""
                    await connection.execute(_sql(f"grant {{}} to {{}}{how}", turn.owner, turn.new))
                    await connection.execute(_sql("alter role {} set role = {}", turn.new, values=(turn.owner,)))
                await connection.execute(_sql("alter role {} login password {}", turn.new, values=(verifier,)))

    async def try_out(self, admin: str, address: str, turn: Turn) -> str:
        """Always where the admin is; also where services log in, when that is elsewhere and reached from here."""
        login, password = addresses.read(address), addresses.password_of(address)
        here = addresses.read(admin)
        await self._log_in(addresses.rewrite(admin, turn.new, password), turn)
        if login.place == here.place:
            return here.place
        try:
            await self._log_in(address, turn)
        except Unreachable:
            return f"{here.place} ({login.place} cannot be reached from here)"
        return f"{here.place} and {login.place}"

    async def can_log_in(self, admin: str, role: str) -> bool:
        async with connect(admin) as connection:
            cursor = await connection.execute("select rolcanlogin from pg_roles where rolname = %s", (role,))
            row = await cursor.fetchone()
            return bool(row and row[0])

    async def fetch_sessions(self, admin: str, role: str) -> Sequence[RoleSessions]:
        async with connect(admin) as connection:
            return await _sessions(connection, role)

    async def close(self, admin: str, role: str) -> None:
        async with connect(admin) as connection:
            await _close(connection, role)

    async def reopen(self, admin: str, role: str, password: str) -> None:
        async with connect(admin, (password,)) as connection:
            verifier = _verifier(connection, role, password)
            await connection.execute(_sql("alter role {} login password {}", role, values=(verifier,)))

    async def withdraw(self, admin: str, turn: Turn) -> str:
        import psycopg

        async with connect(admin) as connection:
            if not await _exists(connection, turn.new):
                return f"{turn.new} is not there"
            await _close(connection, turn.new)
            if turn.exists:
                return f"{turn.new} may not log in any more"
            try:
                await connection.execute(_sql("drop role {}", turn.new))
            except psycopg.Error as problem:
                if problem.sqlstate != IN_USE:
                    raise
                return f"{turn.new} may not log in any more; it owns something, and so it stays"
            return f"{turn.new} is removed"

    async def _log_in(self, address: str, turn: Turn) -> None:
        try:
            async with connect(address) as connection:
                row = await (await connection.execute("select session_user, current_user")).fetchone()
        except Unauthorized as problem:
            raise Rejected(NAME, f"{turn.new} cannot log in: {problem.what}", problem.where) from None
        if row != (turn.new, turn.owner):
            session, acts_as = row or ("", "")
            where = addresses.read(address).place
            raise Rejected(NAME, f"{turn.new} logs in as {session} and acts as {acts_as}, not as {turn.owner}.", where)

    async def _copy_settings(self, connection: Connection, turn: Turn) -> None:
        """What is set for the old role at log-in, and nothing else; only the role that it acts as is its own."""
        rows = await (await connection.execute(SETTINGS, (turn.new,))).fetchall()
        for database in dict.fromkeys(row[0] for row in rows):
            await connection.execute(_sql("alter role {} {}reset all", turn.new, database=database))
        rows = await (await connection.execute(SETTINGS, (turn.old,))).fetchall()
        for database, name, value in rows:
            if name != "role":
                # Set here first, so that the server reads the value as it wrote it, lists and quotes included. The old
                # role may choose its search path: from here on nothing is looked up along it.
                await connection.execute("select pg_catalog.set_config(%s, %s, true)", (name, value))
                await connection.execute(
                    _sql("alter role {} {}set {} from current", turn.new, database=database, setting=name)
                )


def _verifier(connection: Connection, role: str, password: str) -> str:
    """SCRAM-SHA-256, computed here; raises UsageError where libpq is too old to do so."""
    try:
        return connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    except Exception as problem:
        what = f"The password cannot be turned into a verifier here: {type(problem).__name__}."
        raise UsageError(what, "", "Install psycopg with a libpq of version 10 or newer.") from None


async def _exists(connection: Connection, role: str) -> bool:
    cursor = await connection.execute("select 1 from pg_roles where rolname = %s", (role,))
    return await cursor.fetchone() is not None


async def _sessions(connection: Connection, role: str) -> list[RoleSessions]:
    cursor = await connection.execute(SESSIONS, (role,))
    return [RoleSessions(*row) for row in await cursor.fetchall()]


async def _close(connection: Connection, role: str) -> None:
    import psycopg

    await connection.execute(_sql("alter role {} nologin password null", role))
    try:
        await connection.execute(END, (role,))
    except psycopg.Error as problem:
        if problem.sqlstate != DENIED:
            raise


def _server(connection: Connection) -> int:
    return connection.info.server_version


def _sql(
    text: str, *names: str, values: Sequence[object] = (), database: str | None = "", setting: str = ""
) -> Composed:
    """Put what is given in the places of `{}`: names, a database (None for all), a setting, values."""
    from psycopg import sql

    parts: list[sql.Composable] = [sql.Identifier(name) for name in names]
    if database is None:
        parts.append(sql.SQL(""))
    elif database:
        parts.append(sql.SQL("in database {} ").format(sql.Identifier(database)))
    if setting:
        parts.append(sql.Identifier(*setting.split(".")))
    return sql.SQL(text).format(*parts, *(sql.Literal(value) for value in values))
