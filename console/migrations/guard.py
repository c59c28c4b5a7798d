"""Watch from a second connection that nobody waits too long to read because of a session of ours.

The text of a statement does not always tell what it locks: a block of code, a function, a kind that nobody knew of. So
whatever runs, readers that wait for it are looked for, and it is cut before they have waited as long as they may.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from console.domain.errors import ConsoleError
from providers.database import Database

if TYPE_CHECKING:
    from providers.database import Connection

_WAITING = "select pid from pg_locks where not granted and mode = 'AccessShareLock' and %s = any(pg_blocking_pids(pid))"
_CUT = "select pg_cancel_backend(%s)"
# Together with the time that looking takes they stay below the whole.
_BEFORE_THE_FIRST_LOOK, _BETWEEN_LOOKS, _PATIENCE = 1 / 4, 1 / 10, 1 / 2


@asynccontextmanager
async def guard_readers(
    database: Database, pid: int, hold: float | None, cut: Callable[[], None]
) -> AsyncIterator[None]:
    """Cancel what the session `pid` does when somebody waited nearly `hold` seconds to read; None guards nobody.

    Args:
        cut: Told before the cancelling. Where no second connection can be made, nobody is guarded.
    """
    if hold is None:
        yield
        return
    watch = asyncio.create_task(_watch(database, pid, hold, cut))
    try:
        yield
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)


async def _watch(database: Database, pid: int, hold: float, cut: Callable[[], None]) -> None:
    await asyncio.sleep(hold * _BEFORE_THE_FIRST_LOOK)
    try:
        async with database.connect() as connection:
            await _wait_for_a_long_wait(connection, pid, hold)
            cut()
            await connection.execute(_CUT, (pid,))
    except ConsoleError:
        return


async def _wait_for_a_long_wait(connection: Connection, pid: int, hold: float) -> None:
    """Return once one and the same reader has waited too long."""
    seen: dict[int, float] = {}
    while True:
        rows = await (await connection.execute(_WAITING, (pid,))).fetchall()
        now = time.monotonic()
        seen = {reader: seen.get(reader, now) for (reader,) in rows}
        if any(now - since >= hold * _PATIENCE for since in seen.values()):
            return
        await asyncio.sleep(hold * _BETWEEN_LOOKS)
