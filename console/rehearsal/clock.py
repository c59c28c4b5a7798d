"""Time that jumps to the next moment somebody waits for, so that hours of bake time pass in seconds."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta

QUIET_TURNS = 12
"""Turns of the event loop without a sign of life, after which nobody has anything to do but wait."""

REAL_WAIT_S = 0.005


class JumpingClock:
    """Obeys `console.domain.clock.Clock`. While somebody asks a real platform, time stands still."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._waiters: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._signs_of_life = 0
        self._asking = 0

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self.touch()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiters, (self._now + timedelta(seconds=max(seconds, 0.0)), next(self._order), future))
        await future

    def next_moment(self) -> datetime | None:
        """The earliest that somebody waits for."""
        while self._waiters and self._waiters[0][2].done():
            heapq.heappop(self._waiters)
        return self._waiters[0][0] if self._waiters else None

    def touch(self) -> None:
        """Say that something is going on, so that time does not jump yet."""
        self._signs_of_life += 1

    @contextlib.contextmanager
    def standing_still(self) -> Iterator[None]:
        """Hold the time while a real platform is waited for."""
        self._asking += 1
        try:
            yield
        finally:
            self._asking -= 1
            self.touch()

    async def step(self) -> bool:
        """Settle, then jump to the next waiter; False when nobody waits."""
        await self.settle()
        return self.jump()

    def jump(self) -> bool:
        """Jump to the next waiter, for who knows that everybody has settled; False when nobody waits."""
        if self.next_moment() is None:
            return False
        moment, _, future = heapq.heappop(self._waiters)
        self._now = max(self._now, moment)
        future.set_result(None)
        return True

    async def settle(self) -> None:
        """Let everybody do what they can without time passing."""
        seen = -1
        while seen != self._signs_of_life or self._asking:
            seen = self._signs_of_life
            if self._asking:
                await asyncio.sleep(REAL_WAIT_S)
            await self._let_others_run()

    async def _let_others_run(self) -> None:
        for _ in range(QUIET_TURNS):
            await asyncio.sleep(0)
