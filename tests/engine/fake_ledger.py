"""The ledger in memory. Survives a simulated crash, as the file does."""

from __future__ import annotations

import asyncio

from console.storage.memory_ledger import MemoryLedger
from tests.engine.virtual_clock import VirtualClock


class FakeLedger(MemoryLedger):
    """While `frozen`, nobody gets an answer: the process that asked is dead."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(on_call=clock.touch)
        self.frozen = False

    async def _turn(self) -> None:
        await super()._turn()
        if self.frozen:
            await asyncio.Future()
