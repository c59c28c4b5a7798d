"""Chores in memory: a source, what came over, and what was written since. It keeps its state over a crash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

from console.chores.lines import Beat, Done, Failed, Order, Told
from console.engine.chores import Ended
from tests.engine.virtual_clock import VirtualClock

ROWS = 1000
PIECES = 10


class FakeChores:
    """`arrived` rows are over there, `written` are of others; `closed` while the source takes no writes."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.source = ROWS
        self.arrived = 0
        self.written = 0
        self.saved_rows = 0
        self.closed = False
        self.done: Counter[str] = Counter()
        self.orders: list[Order] = []
        self.ended: list[str] = []
        self.fails: dict[str, Failed] = {}
        self.hangs = False
        self.away: datetime | None = None
        """Until when the database gives no answer."""

    def backups(self) -> Path:
        return Path("/backups")

    def folder(self, deployment: str) -> Path:
        return Path("/transfers") / deployment

    def saved(self, deployment: str) -> Path:
        return Path("/saved") / deployment

    def opening(self, provider: str) -> str:
        return '{"token": "tok-0001"}'

    def end_left(self, name: str) -> bool:
        self.ended.append(name)
        return True

    async def run(
        self, order: Order, started: Callable[[str], Awaitable[None]], told: Callable[[Told | Beat], Awaitable[None]]
    ) -> Ended:
        self.orders.append(order)
        await started(f"process {len(self.orders)}")
        if self.away is not None and self.clock.now() < self.away:
            return Failed("The database does not go on: no answer.", "the database", again=True, passes=True)
        if order.task in self.fails:
            return self.fails[order.task]
        match order.task:
            case "load" | "rest":
                while self.arrived < self.source:
                    await told(Told("load", "orders", self.arrived, self.source, 50.0, 12.0))
                    await self.clock.sleep(5.0)
                    await told(Beat())
                    self.arrived = min(self.arrived + ROWS // PIECES, self.source) if not self.hangs else self.arrived
                result = Done(f"{self.arrived} rows", {"transfer": "t1", "mark": f"after {order.task}"})
            case "files":
                result = Done("3 files")
            case "fence-source":
                self.closed = True
                result = Done("closed")
            case "back-up":
                result = Done("b-1 is verified", {"backup": "b-1"})
            case "restore-data" | "bring-back-data":
                result = Done("restored", {"backup": order.arguments.get("backup", ""), "saved": "b-2"})
            case "open-source":
                self.closed = False
                result = Done("open")
            case _:
                self.saved_rows, self.written, self.arrived = self.written, 0, 0
                result = Done("dropped")
        self.done[order.task] += 1
        return result
