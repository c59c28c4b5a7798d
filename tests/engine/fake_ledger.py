"""The ledger in memory. Survives a simulated crash, as the file does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from console.domain.deployment import Deployment, begin
from console.domain.errors import Refused
from console.domain.events import DeploymentRequested, Event
from console.domain.ids import DeploymentId, EnvironmentName
from console.domain.observations import DeploymentSummary, Lock
from console.storage.ledger import ControlRow, Opened, Wake
from console.storage.projection import summarise
from tests.engine.virtual_clock import VirtualClock


class FakeLedger:
    """The part of `console.storage.ledger.Ledger` that the engine uses. While `frozen`, nobody gets an answer."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.frozen = False
        self.events: list[Event] = []
        self._folded: dict[DeploymentId, Deployment] = {}
        self._once: set[str] = set()
        self._locks: dict[EnvironmentName, Lock] = {}
        self._controls: dict[int, tuple[ControlRow, bool]] = {}
        self._subscribers: list[Callable[[Wake], None]] = []

    async def open_deployment(self, event: Event, lock: Lock) -> Opened:
        await self._turn()
        assert isinstance(event.payload, DeploymentRequested)
        seen = await self.find_request(event.payload.request_id) if event.payload.request_id else None
        if seen:
            return Opened(seen, again=True)
        self._take(lock)
        self._store(event)
        return Opened(event.deployment)

    async def find_request(self, request_id: str) -> DeploymentId | None:
        for event in self.events:
            if isinstance(event.payload, DeploymentRequested) and event.payload.request_id == request_id:
                return event.deployment
        return None

    async def append(
        self,
        *events: Event,
        unlock: EnvironmentName | None = None,
        once: str = "",
        answers: int | None = None,
        lock: Lock | None = None,
    ) -> tuple[Event, ...]:
        await self._turn()
        if answers is not None:
            self._controls[answers] = (self._controls[answers][0], True)
        if once and once in self._once:
            return ()
        if lock is not None:
            self._take(lock)
        if once:
            self._once.add(once)
        stored = tuple(self._store(event) for event in events)
        held = self._locks.get(unlock) if unlock is not None else None
        if held is not None and held.deployment == events[0].deployment:
            del self._locks[held.environment]
        return stored

    async def events_of(self, deployment: DeploymentId) -> tuple[Event, ...]:
        await self._turn()
        return tuple(event for event in self.events if event.deployment == deployment)

    async def locks(self) -> tuple[Lock, ...]:
        return tuple(self._locks.values())

    async def add_control(self, row: ControlRow) -> int:
        await self._turn()
        number = len(self._controls) + 1
        self._controls[number] = (replace(row, id=number), False)
        self._tell(Wake("control", row.deployment, number))
        return number

    async def pending_controls(self, deployment: DeploymentId) -> tuple[ControlRow, ...]:
        await self._turn()
        rows = self._controls.values()
        return tuple(row for row, taken in rows if row.deployment == deployment and not taken)

    async def find_deployments(self, text: str) -> tuple[DeploymentId, ...]:
        found = {d.id for d in self.deployments() if d.environment == text or d.id == text}
        return tuple(sorted(found, reverse=True))

    async def last_seq(self) -> int:
        return len(self.events)

    async def summaries(self, query: Any) -> tuple[DeploymentSummary, ...]:
        ids = [
            name for name in await self.find_deployments(query.environment) if not query.before or name < query.before
        ]
        return tuple(summarise(self._folded[name]) for name in ids[: query.limit])

    async def unfinished(self) -> tuple[DeploymentId, ...]:
        return tuple(d.id for d in self.deployments() if not d.is_terminal)

    def subscribe(self, callback: Callable[[Wake], None]) -> Callable[[], None]:
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    async def _turn(self) -> None:
        """Answer in the next turn of the loop; a process that is dead gets no answer."""
        self._clock.touch()
        await asyncio.sleep(0)
        if self.frozen:
            await asyncio.Future()

    def deployments(self) -> Sequence[Deployment]:
        return list(self._folded.values())

    def _store(self, event: Event) -> Event:
        stored = replace(event, seq=len(self.events) + 1)
        self.events.append(stored)
        known = self._folded.get(stored.deployment)
        self._folded[stored.deployment] = begin(stored) if known is None else known.apply(stored)
        self._tell(Wake("event", stored.deployment, stored.seq))
        return stored

    def _take(self, lock: Lock) -> None:
        holder = self._locks.get(lock.environment)
        if holder is not None and holder.deployment != lock.deployment:
            raise Refused(f"{lock.environment} is held by {holder.deployment}.")
        self._locks[lock.environment] = lock

    def _tell(self, wake: Wake) -> None:
        for subscriber in tuple(self._subscribers):
            subscriber(wake)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the engine is not expected to use Ledger.{name}")
