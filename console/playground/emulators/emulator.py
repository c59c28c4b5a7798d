"""What all four emulated platforms have in common: an app, a count of what they were made to do, background work."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any

from starlette.types import ASGIApp

from console.playground.emulators.limits import Demand, Windows


class Tally:
    """Counts effective changes by kind. Reads, refusals and requests that change nothing are not counted."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()

    def add(self, kind: str) -> None:
        self.kinds[kind] += 1


class Tasks:
    """Background work of one emulator; ended together."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def cancel(self) -> None:
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


class Emulator:
    """One platform's control plane. Put `app` behind a server, then `start`."""

    def __init__(self, name: str, app: ASGIApp, tally: Tally, windows: Windows) -> None:
        self.name = name
        self.app = app
        self._tally = tally
        self._limits = windows

    @property
    def changes(self) -> int:
        """How many effective changes this control plane was made to do."""
        return sum(self.kinds.values())

    @property
    def kinds(self) -> dict[str, int]:
        """The same by kind, e.g. `{"deploy": 2, "suspend": 1}`."""
        return dict(self._tally.kinds)

    @property
    def demands(self) -> Mapping[str, Demand]:
        """What was asked of each limit, by its bucket."""
        return self._limits.demands

    async def start(self) -> None:
        """Bring up what is live from the beginning."""

    async def stop(self) -> None:
        """End background work and every process that this control plane runs."""
