"""The product's connections to PostgreSQL. psycopg is imported by the first use, off the event loop.

Importing it takes longer than everything else at the start, and a frontend never needs it.
"""

import asyncio
import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any, LiteralString

if TYPE_CHECKING:
    import psycopg

POOL_SIZE = 3


class Database:
    """A few cached connections; a broken one is replaced, and its statement tried once more."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._free: asyncio.LifoQueue[psycopg.AsyncConnection[Any] | None] = asyncio.LifoQueue()
        self._module: ModuleType | None = None

    async def open(self) -> None:
        """Import the driver and open the first connection.

        Raises:
            psycopg.OperationalError: The server does not answer.
        """
        loop = asyncio.get_running_loop()
        self._module = await loop.run_in_executor(None, importlib.import_module, "psycopg")
        first = await self._connect()
        for _ in range(POOL_SIZE - 1):
            self._free.put_nowait(None)
        self._free.put_nowait(first)

    async def rows(self, statement: LiteralString, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Run one statement in a transaction of its own and give its rows.

        Raises:
            psycopg.Error: It failed, also on a fresh connection.
        """
        import psycopg

        connection = await self._free.get()
        try:
            if connection is not None:
                try:
                    return await _rows(connection, statement, parameters)
                except psycopg.OperationalError:
                    await connection.close()
            connection = None
            connection = await self._connect()
            return await _rows(connection, statement, parameters)
        finally:
            self._free.put_nowait(connection)

    async def _connect(self) -> "psycopg.AsyncConnection[Any]":
        import psycopg

        return await psycopg.AsyncConnection.connect(self._dsn, autocommit=True, connect_timeout=5)


async def _rows(
    connection: "psycopg.AsyncConnection[Any]", statement: LiteralString, parameters: tuple[object, ...]
) -> list[tuple[Any, ...]]:
    cursor = await connection.execute(statement, parameters)
    return await cursor.fetchall()
