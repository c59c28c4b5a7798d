"""Several hosts on one Postgres: find out that a worker is dead, and finish what it had begun.

Every worker holds a session advisory lock named after itself for as long as it lives; the server frees it with the
connection. Whoever sees an unfinished deployment of a worker whose lock is free takes the deployment over. No clocks,
no heartbeats; a wrong guess would run one step twice at the same time, which every step withstands by its key.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from typing import TYPE_CHECKING

from console.domain.errors import StoreError
from console.engine.engine import Engine

if TYPE_CHECKING:
    import psycopg

log = logging.getLogger(__name__)

LOOK_EVERY = 2.0
"""Seconds between two looks; with the engine's own start this bounds how long a deployment is without a worker."""


class Takeover:
    """Keeps this worker's own lock, and watches the locks of others."""

    def __init__(self, url: str, worker: str, engine: Engine) -> None:
        self._url = url
        self._worker = worker
        self._engine = engine
        self._connection: psycopg.AsyncConnection[tuple[bool]] | None = None
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take this worker's lock.

        Raises:
            StoreError: Another living worker has this name.
        """
        if not await self._try_lock(self._worker):
            raise StoreError(
                f"Another worker called {self._worker!r} runs on this database.",
                "engine.worker",
                "Give each host its own name with engine.worker in its configuration.",
            )
        self._watching = asyncio.create_task(self._watch(), name="takeover")

    async def stop(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _watch(self) -> None:
        import psycopg

        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self._look()
            except (psycopg.Error, OSError) as problem:
                log.warning("the shared database does not answer: %s", problem)
                self._connection = None
                with contextlib.suppress(psycopg.Error, OSError):
                    await self._try_lock(self._worker)

    async def _look(self) -> None:
        owners = await self._engine.unfinished()
        here = set(self._engine.running)
        for owner in sorted(set(owners.values()) - {self._worker, ""}):
            if not await self._try_lock(owner):
                continue
            try:
                for deployment in (key for key, name in owners.items() if name == owner and key not in here):
                    await self._engine.adopt(deployment)
            finally:
                await self._unlock(owner)

    async def _connect(self) -> psycopg.AsyncConnection[tuple[bool]]:
        import psycopg

        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
        return self._connection

    async def _try_lock(self, worker: str) -> bool:
        connection = await self._connect()
        cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", (lock_key(worker),))
        row = await cursor.fetchone()
        return bool(row and row[0])

    async def _unlock(self, worker: str) -> None:
        connection = await self._connect()
        await connection.execute("SELECT pg_advisory_unlock(%s)", (lock_key(worker),))


def lock_key(worker: str) -> int:
    """The worker's name as the 64-bit number that Postgres locks by."""
    digest = hashlib.sha256(f"quarterdeck-worker:{worker}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
