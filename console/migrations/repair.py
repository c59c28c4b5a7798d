"""Make the history say what is so, as the Supabase CLI's `migration repair`; no SQL of any file is run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from console.domain.errors import UsageError
from console.migrations import history, ledger
from console.migrations.ledger import Opening, State
from console.migrations.scripts import Script

if TYPE_CHECKING:
    from providers.database import Connection


async def mark_applied(connection: Connection, scripts: Sequence[Script], who: str) -> None:
    """Write that these files are applied, with their statements, whatever was written before."""
    for script in scripts:
        async with connection.transaction():
            await _open(connection, script, who)
            await history.forget(connection, script.version)
            await history.record(connection, script.version, script.name, script.kept)
            await ledger.end(connection, script.version, State.APPLIED, "repaired by hand")


async def mark_reverted(connection: Connection, versions: Sequence[str]) -> None:
    """Write that these versions are not applied; a version without a file may be named, too."""
    for version in versions:
        async with connection.transaction():
            await history.forget(connection, version)
            await ledger.end(connection, version, State.REVERTED, "repaired by hand")


async def mark_done(connection: Connection, script: Script, count: int, who: str) -> None:
    """Write that the first `count` statements of a file are done, so that the next run goes on behind them.

    Raises:
        UsageError: The file has not so many statements before its last.
    """
    if not 0 <= count <= len(script.statements):
        raise UsageError(
            f"{script.filename} has {len(script.statements)} statements.", "migrate repair --done", "Name fewer."
        )
    async with connection.transaction():
        await _open(connection, script, who)
        await history.forget(connection, script.version)
        await ledger.advance(connection, script.version, script.statements[:count])
        await ledger.end(connection, script.version, State.PARTIAL, "repaired by hand")


async def _open(connection: Connection, script: Script, who: str) -> None:
    opening = (script.version, script.name, script.sql, len(script.statements))
    await ledger.begin(connection, Opening(*opening, who=who))
