"""The worker over its socket; started, detached, when none runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.client.http import HttpService


class SocketReach:
    """One connection a command, opened when first asked for."""

    def __init__(self) -> None:
        self._service: HttpService | None = None

    async def service(self, home: Path, config: Path | None) -> HttpService:
        """Connect, starting a worker when none runs.

        Raises:
            ConsoleError: The worker cannot start, in its own words, or is another user's.
        """
        if self._service is None:
            from console.client.http import connect

            self._service = await connect(home, config=config)
        return self._service

    async def running(self, home: Path) -> HttpService | None:
        """Connect to a worker that runs; None when none does. Starts none."""
        from console.client.http import connect
        from console.client.service import WorkerUnavailable

        try:
            self._service = self._service or await connect(home, start=False)
        except WorkerUnavailable:
            return None
        return self._service

    async def close(self) -> None:
        if self._service is not None:
            await self._service.close()
            self._service = None
