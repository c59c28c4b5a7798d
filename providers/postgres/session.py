"""One connection to a PostgreSQL for as long as a block lasts, and its errors in the contract's words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from console.domain.errors import ProviderError, Rejected, Unauthorized, Unreachable
from providers.postgres.address import for_libpq, password_of, read
from providers.redaction import excerpt

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.AsyncConnection[tuple[Any, ...]]

NAME = "postgres"
APPLICATION = "quarterdeck"
CONNECT_WITHIN_S = 5
SILENT_FOR_MS = 15_000
_DENIED = ("password authentication failed", "no pg_hba.conf entry", "is not permitted to log in", "does not exist")


@asynccontextmanager
async def connect(address: str, hidden: Sequence[str] = ()) -> AsyncIterator[Connection]:
    """Open a connection in autocommit mode.

    Args:
        hidden: What no message may hold, besides the password of the address.

    Raises:
        UsageError: The address is none.
        Unreachable: Nobody answers, or the connection broke inside the block.
        Unauthorized: The log-in was refused.
        Rejected: The database refused something inside the block.
    """
    import psycopg

    login = read(address)
    where = f"{login.role} at {login.place}"
    secrets = (password_of(address), *hidden)
    try:
        connection = await psycopg.AsyncConnection.connect(
            for_libpq(address),
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=CONNECT_WITHIN_S,
            tcp_user_timeout=SILENT_FOR_MS,
            application_name=APPLICATION,
        )
    except psycopg.Error as problem:
        raise _translate(problem, where, secrets, connecting=True) from None
    try:
        yield connection
    except psycopg.Error as problem:
        raise _translate(problem, where, secrets) from None
    finally:
        await connection.close()


def _translate(
    problem: psycopg.Error, where: str, secrets: Sequence[str], *, connecting: bool = False
) -> ProviderError:
    words = excerpt(problem.diag.message_primary or str(problem) or type(problem).__name__, secrets, limit=300)
    place = " · ".join(part for part in (where, problem.sqlstate or "") if part)
    state = problem.sqlstate or ""
    # A refused log-in comes without its code: libpq keeps it to itself.
    if state[:2] == "28" or (connecting and any(sign in str(problem) for sign in _DENIED)):
        return Unauthorized(NAME, f"The database refused the log-in: {words}", place, "Check user and password.")
    if not state or state[:2] in ("08", "53", "57"):
        return Unreachable(NAME, f"The database does not answer: {words}", place, "Check that this host may reach it.")
    return Rejected(NAME, f"The database refused: {words}", place)
