"""What a session of a run is set to: before every file and every piece anew, since files may set what they like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.migrations.patience import Patience
from console.migrations.pieces import Piece
from console.migrations.read_only import WRITES
from console.migrations.scripts import Script

if TYPE_CHECKING:
    from providers.database import Connection

_QUIET = "set idle_in_transaction_session_timeout = '60s'"
_NOTICE_DEATH = "set client_connection_check_interval = '1s'"
"""Without it a long statement of a killed worker keeps its locks to its end. PostgreSQL has it from 14 on."""
_NOTICES_DEATH_FROM = 140_000


@dataclass(frozen=True)
class Settings:
    """The settings; `writes_anyway` where the database is read-only for all others."""

    patience: Patience
    writes_anyway: bool = False

    async def restore(self, connection: Connection) -> None:
        """Take back what a file may have set: its settings, its role, and who it said to be."""
        await connection.execute("reset session authorization; reset role; reset all")
        if self.writes_anyway:
            await connection.execute(WRITES)
        await set_value(connection, "lock_timeout", f"{round(self.patience.lock_timeout * 1000)}ms")
        await set_value(connection, "statement_timeout", self.patience.statement_timeout)
        await connection.execute(_QUIET)
        if connection.info.server_version >= _NOTICES_DEATH_FROM:
            await connection.execute(_NOTICE_DEATH)

    async def restore_before(self, connection: Connection, script: Script, piece: Piece) -> None:
        """As `restore`; then set again what the file itself had set before this piece of it."""
        await self.restore(connection)
        if piece.statements:
            for statement in script.classified[: piece.statements[0].number - 1]:
                if statement.kind.startswith("SET"):
                    await connection.execute(statement.text.encode())


async def set_value(connection: Connection, name: str, value: str, *, local: bool = False) -> None:
    """Set one setting, for the session or for its transaction alone."""
    await connection.execute("select set_config(%s, %s, %s)", (name, value, local))
