"""A clock that jumps to the next moment somebody waits for, once nobody has anything else to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from console.rehearsal.clock import JumpingClock
from tests.support.turns import settle

START = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


class VirtualClock(JumpingClock):
    """Lets a test say how much time passes."""

    def __init__(self, start: datetime = START) -> None:
        super().__init__(start)

    async def step(self) -> bool:
        """Jump to the next waiter and let everybody do what they can there; False when nobody waits."""
        await self.settle()
        return await self.go_on()

    async def go_on(self) -> bool:
        """The same, for who knows that everybody has settled."""
        jumped = self.jump()
        await self.settle()
        return jumped

    async def pass_time(self, length: timedelta) -> None:
        """Let time pass, stopping at every moment somebody waits for."""
        end = self._now + length
        await self.settle()
        while (moment := self.next_moment()) is not None and moment <= end:
            await self.go_on()
        self._now = end

    async def _let_others_run(self) -> None:
        await settle()
