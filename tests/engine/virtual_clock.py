"""A clock that jumps to the next moment somebody waits for, once nobody has anything else to do."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
QUIET_TURNS = 12
"""Turns of the event loop without a sign of life, after which the world counts as idle."""


class VirtualClock:
    """Obeys `console.domain.clock.Clock`."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._waiters: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._signs_of_life = 0

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self.touch()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        moment = self._now + timedelta(seconds=max(seconds, 0.0))
        heapq.heappush(self._waiters, (moment, next(self._order), future))
        await future

    async def settle(self) -> None:
        """Let everybody do what they can without time passing."""
        seen = -1
        while seen != self._signs_of_life:
            seen = self._signs_of_life
            for _ in range(QUIET_TURNS):
                await asyncio.sleep(0)

    def touch(self) -> None:
        """Say that something is going on, so that time does not jump yet."""
        self._signs_of_life += 1

    async def step(self) -> bool:
        """Settle, then jump to the next waiter; False when nobody waits."""
        await self.settle()
        while self._waiters:
            moment, _, future = heapq.heappop(self._waiters)
            if future.done():
                continue
            self._now = max(self._now, moment)
            future.set_result(None)
            await self.settle()
            return True
        return False

    async def pass_time(self, length: timedelta) -> None:
        """Let time pass, stopping at every moment somebody waits for."""
        end = self._now + length
        while True:
            await self.settle()
            self._waiters = [waiter for waiter in self._waiters if not waiter[2].done()]
            heapq.heapify(self._waiters)
            if not self._waiters or self._waiters[0][0] > end:
                break
            await self.step()
        self._now = end
