"""A service that connects when it is first asked something, so that a screen can be drawn before anything is loaded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from console.client.service import Service
from console.domain.errors import ConsoleError

STREAMS = frozenset({"events", "follow_logs"})


class LateService:
    """Obeys `Service` by passing every call on to the one that `connect` makes.

    Args:
        connect: Makes the service; called once, at the first call.
        failed: Told when that raises a `ConsoleError`; every call then raises it, and `failure` holds it.
    """

    def __init__(self, connect: Callable[[], Awaitable[Service]], failed: Callable[[], None]) -> None:
        self.failure: ConsoleError | None = None
        self._connect = connect
        self._failed = failed
        self._connecting: asyncio.Task[Service] | None = None

    @property
    def is_connected(self) -> bool:
        service = self._made()
        return service is not None and bool(getattr(service, "is_connected", True))

    async def close(self) -> None:
        """Close what was made; stop making it."""
        service = self._made()
        if service is not None:
            close = getattr(service, "close", None)
            if close is not None:
                await close()
        elif self._connecting is not None:
            self._connecting.cancel()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._stream(name) if name in STREAMS else self._call(name)

    def _call(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*arguments: Any, **named: Any) -> Any:
            return await getattr(await self._service(), name)(*arguments, **named)

        return call

    def _stream(self, name: str) -> Callable[..., AsyncIterator[Any]]:
        async def stream(*arguments: Any, **named: Any) -> AsyncIterator[Any]:
            async for item in getattr(await self._service(), name)(*arguments, **named):
                yield item

        return stream

    async def _service(self) -> Service:
        if self._connecting is None:
            self._connecting = asyncio.ensure_future(self._make())
        return await asyncio.shield(self._connecting)

    async def _make(self) -> Service:
        try:
            await asyncio.to_thread(_load)
            return await self._connect()
        except ConsoleError as problem:
            self.failure = problem
            self._failed()
            raise

    def _made(self) -> Service | None:
        task = self._connecting
        made = task is not None and task.done() and not task.cancelled() and task.exception() is None
        return task.result() if task is not None and made else None


def _load() -> None:
    """Load what a connection needs, away from the loop that draws."""
    import httpx  # noqa: F401

    import console.client.http  # noqa: F401
