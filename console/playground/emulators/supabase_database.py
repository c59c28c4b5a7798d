"""SQL against the project's real PostgreSQL, with its rows in the shapes that JSON knows.

One connection a call, as the platform does. Several statements in one query are one transaction, and the rows of
the last one that has rows are the answer.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from console.playground.emulators.wire import Refusal

Row = dict[str, Any]
CONNECT_WITHIN_S = 5
LOGIN_ROLE_TTL_S = 300


class Database:
    """One project's database. `dsn` is a superuser's address of it."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    async def run(self, query: str, parameters: Sequence[Any] | None = None, read_only: bool = False) -> list[Row]:
        """Run SQL with `$1` parameters and give the rows.

        Raises:
            Refusal: 400 with PostgreSQL's own words and its code; 500 when the server does not answer.
        """
        options = "-c default_transaction_read_only=on" if read_only else ""
        try:
            async with await psycopg.AsyncConnection.connect(
                self.dsn, autocommit=True, connect_timeout=CONNECT_WITHIN_S, options=options
            ) as connection:
                cursor = psycopg.AsyncRawCursor(connection, row_factory=dict_row)
                await cursor.execute(query.encode(), list(parameters) if parameters else None)
                rows: list[Row] = []
                while True:
                    if cursor.description is not None:
                        rows = await cursor.fetchall()
                    if not cursor.nextset():
                        break
        except psycopg.Error as error:
            raise _told(error) from error
        return [as_wire(row) for row in rows]

    async def ask(self, query: str) -> list[Row]:
        """Read for the platform's own answers; a database that does not answer gives nothing."""
        with suppress(Refusal):
            return await self.run(query, read_only=True)
        return []

    async def make_login_role(self, role: str, password: str, read_only: bool) -> None:
        """Make a login for a short while that acts as the owner.

        Raises:
            Refusal: 500, the role could not be made.
        """
        name = sql.Identifier(role)
        try:
            async with await psycopg.AsyncConnection.connect(self.dsn, autocommit=True) as connection:
                owner = sql.Identifier(connection.info.user)
                until = datetime.now().astimezone() + timedelta(seconds=LOGIN_ROLE_TTL_S)
                make = "create role {} login inherit password {} valid until {} in role {}"
                told = (name, sql.Literal(password), sql.Literal(until.isoformat()), owner)
                await connection.execute(sql.SQL(make).format(*told))
                await connection.execute(sql.SQL("alter role {} set role = {}").format(name, owner))
                if read_only:
                    await connection.execute(
                        sql.SQL("alter role {} set default_transaction_read_only = on").format(name)
                    )
        except psycopg.Error as error:
            raise Refusal(500, f"Failed to create login role: {error}") from error


def as_wire(value: Any) -> Any:
    """Turn what psycopg gives into what JSON holds; numbers that a float would damage become texts."""
    if isinstance(value, Mapping):
        return {str(key): as_wire(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [as_wire(one) for one in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, datetime | date | time):
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, bytes | memoryview):
        return f"\\x{bytes(value).hex()}"
    if isinstance(value, Decimal):
        return str(value)
    return str(value)


def _told(error: psycopg.Error) -> Refusal:
    if error.sqlstate is None:
        return Refusal(500, f"Failed to connect to the database: {error}")
    words = error.diag.message_primary or str(error)
    position = f"\nPOSITION: {error.diag.statement_position}" if error.diag.statement_position else ""
    detail = f"\nDETAIL:  {error.diag.message_detail}" if error.diag.message_detail else ""
    return Refusal(400, f"Failed to run sql query: ERROR:  {error.sqlstate}: {words}{detail}{position}\n")
