"""One PostgreSQL that migrations and readings use: connections, and its errors in the contract's words.

psycopg is imported when a connection is made, because the import costs more than opening the console may.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from console.domain.errors import ProviderError, Rejected, Unauthorized, Unreachable
from providers.redaction import excerpt

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.AsyncConnection[tuple[Any, ...]]

APPLICATION = "quarterdeck"
CONNECT_WITHIN_S = 5
SILENT_FOR_MS = 15_000
POOLER_PORT = "6543"
_AUTHENTICATION = ("28000", "28P01")
_DENIED = ("password authentication failed", "no pg_hba.conf entry", "permission denied", "is not permitted to log in")
_REMEDIES = {
    "42501": "Grant it to the role, or use the address of one that may.",
    "25006": "Find out why it takes no writes: a standby, a full disk, or somebody who made it read-only.",
}


class Database:
    """Connects to one database. `repr` shows neither user nor password.

    Args:
        provider: The connection's name in the configuration; errors carry it.
        ref: What the platform calls it: a Supabase project's ref, or a name in the configuration.
        address: A `postgresql://` address, or libpq's key=value form.
        noun: What a ref is there, for messages.
    """

    def __init__(self, provider: str, ref: str, address: str, noun: str = "project") -> None:
        self.provider = provider
        self.ref = ref
        self.where = f"{noun} {ref}"
        self._address = address

    def __repr__(self) -> str:
        return f"Database({self.ref!r})"

    def check_session_mode(self) -> None:
        """Refuse a pooler in transaction mode, which keeps neither settings nor locks between two statements.

        Raises:
            Rejected: The address leads to one (port 6543), or is none at all.
        """
        if POOLER_PORT in str(self._parts().get("port") or "").split(","):
            raise Rejected(
                self.provider,
                f"The database address of {self.ref} leads to a pooler in transaction mode (port {POOLER_PORT}).",
                self.where,
                "Migrations need the direct address or the session-mode pooler, both on port 5432.",
            )

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        """Open a connection in autocommit mode for as long as the block lasts.

        Raises:
            Unreachable: Nobody answers, or the connection broke inside the block.
            Unauthorized: User or password are wrong.
            Rejected: The database refused something inside the block that is no passing trouble.
        """
        import psycopg

        parts = self._parts()
        # It warns of every rollback that a broken connection made impossible; the break itself is told by us.
        logging.getLogger("psycopg").setLevel(logging.ERROR)
        try:
            connection = await psycopg.AsyncConnection.connect(
                "",
                autocommit=True,
                prepare_threshold=None,
                **{
                    "connect_timeout": CONNECT_WITHIN_S,
                    "tcp_user_timeout": SILENT_FOR_MS,
                    **parts,
                    "application_name": APPLICATION,
                },
            )
        except psycopg.Error as problem:
            raise self.translate(problem, "connect") from problem
        try:
            yield connection
        except psycopg.Error as problem:
            raise self.translate(problem, "query") from problem
        finally:
            await connection.close()

    def translate(self, problem: psycopg.Error, doing: str) -> ProviderError:
        """The contract's error for one of psycopg's."""
        words = self.words_of(problem)
        place = " · ".join(part for part in (self.where, doing, problem.sqlstate or "") if part)
        denied = problem.sqlstate in _AUTHENTICATION or any(sign in str(problem) for sign in _DENIED)
        if denied and problem.sqlstate != "42501":
            remedy = "Check user and password of its database_url."
            return Unauthorized(self.provider, f"The database of {self.ref} refused the log-in: {words}", place, remedy)
        if problem.sqlstate is None or problem.sqlstate[:2] in ("08", "53", "57"):
            remedy = "Check that it is not paused, and that this host may reach it."
            return Unreachable(self.provider, f"The database of {self.ref} does not answer: {words}", place, remedy)
        remedy = _REMEDIES.get(problem.sqlstate, "")
        return Rejected(self.provider, f"The database of {self.ref} refused: {words}", place, remedy)

    def words_of(self, problem: psycopg.Error) -> str:
        """PostgreSQL's own message in one line, without the password."""
        return self.redact(problem.diag.message_primary or str(problem) or type(problem).__name__)

    def redact(self, text: str) -> str:
        password = str(self._parts().get("password") or "")
        return excerpt(text, (password, unquote(password)), limit=300)

    def _parts(self) -> dict[str, Any]:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict

        try:
            return dict(conninfo_to_dict(self._address))
        except psycopg.Error:
            raise Rejected(
                self.provider,
                f"The database address of {self.ref} cannot be read.",
                self.where,
                "Write postgresql://USER:PASSWORD@HOST:5432/DATABASE, with special characters percent-encoded.",
            ) from None
