"""The worker over its socket; started, detached, when none runs."""

from __future__ import annotations

import sys
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

            changed = describe_change(home, config)
            if changed:
                print(changed, file=sys.stderr)
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


def describe_change(home: Path, config: Path | None = None) -> str:
    """What to say where a worker runs that read the configuration before it was last written; else empty."""
    from console.client.places import Places
    from console.client.starting import is_held
    from console.config.location import locate

    lock = Places(home).lock
    try:
        file = locate(home, config)
        is_newer = file.stat().st_mtime > lock.stat().st_mtime
    except OSError:  # one is not there, or not ours to see
        return ""
    if not (is_newer and is_held(lock)):
        return ""
    return (
        f"{file} was changed after the worker had started, which goes by what it said before. "
        "`quarterdeck worker stop` lets the next command start one that knows it; deployments go on."
    )
