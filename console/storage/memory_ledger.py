"""Deployments on record in memory, for as long as the process lives: what a rehearsal runs on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from console.domain.deployment import Deployment, begin
from console.domain.errors import StoreError
from console.domain.events import DeploymentRequested, Event
from console.domain.ids import DeploymentId, EnvironmentName
from console.domain.observations import DeploymentSummary, Lock
from console.storage.ledger import ControlRow, Opened, SummaryQuery, Wake, locked
from console.storage.memory_calendar import MemoryCalendar
from console.storage.projection import summarise
from console.storage.subscribers import Subscribers, wakes_for


class MemoryLedger(MemoryCalendar):
    """Implements `DeploymentLedger`.

    Args:
        past: Events of earlier deployments, with their numbers.
        on_call: Called whenever somebody asks, so that a clock can tell that something is going on.
    """

    def __init__(self, past: Iterable[Event] = (), *, on_call: Callable[[], None] = lambda: None) -> None:
        self._on_call = on_call
        self._subscribers = Subscribers()
        super().__init__(self._subscribers)
        self.events: list[Event] = []
        self._events_of: dict[DeploymentId, list[Event]] = {}
        self._folded: dict[DeploymentId, Deployment] = {}
        self._once: set[str] = set()
        self._locks: dict[EnvironmentName, Lock] = {}
        self._controls: dict[int, ControlRow] = {}
        self._taken: set[int] = set()
        self._keep(sorted(past, key=lambda event: event.seq))

    def deployment(self, name: DeploymentId) -> Deployment:
        """A deployment that is on record."""
        return self._folded[name]

    def deployments(self) -> Sequence[Deployment]:
        """All that are on record, in the order in which they were opened."""
        return list(self._folded.values())

    async def open_deployment(self, event: Event, lock: Lock) -> Opened:
        await self._turn()
        if not isinstance(event.payload, DeploymentRequested):
            raise StoreError("A deployment opens with a request.", f"event {event.type}", "This is a fault of ours.")
        seen = self._find_request(event.payload.request_id)
        if seen is not None:
            return Opened(seen, again=True)
        self._refuse_when_held(lock)
        self._store((event,))
        self._locks[lock.environment] = lock
        return Opened(event.deployment)

    async def find_request(self, request_id: str) -> DeploymentId | None:
        await self._turn()
        return self._find_request(request_id)

    async def append(
        self,
        *events: Event,
        unlock: EnvironmentName | None = None,
        once: str = "",
        answers: int | None = None,
        lock: Lock | None = None,
    ) -> tuple[Event, ...]:
        await self._turn()
        fresh = not once or once not in self._once
        if fresh and lock is not None:
            self._refuse_when_held(lock)
        stored = self._store(events) if fresh else ()
        self._taken.update(() if answers is None else (answers,))
        self._once.add(once)
        if fresh and lock is not None:
            self._locks.setdefault(lock.environment, lock)
        held = self._locks.get(unlock) if fresh and unlock is not None else None
        if held is not None and held.deployment in {event.deployment for event in events}:
            del self._locks[held.environment]
        return stored

    async def events_of(self, deployment: DeploymentId) -> tuple[Event, ...]:
        await self._turn()
        return tuple(self._events_of.get(deployment, ()))

    async def events_after(self, seq: int, limit: int = 500) -> tuple[Event, ...]:
        await self._turn()
        return tuple(event for event in self.events if event.seq > seq)[:limit]

    async def last_seq(self) -> int:
        return self.events[-1].seq if self.events else 0

    async def locks(self) -> tuple[Lock, ...]:
        return tuple(self._locks.values())

    async def add_control(self, row: ControlRow) -> int:
        await self._turn()
        seen = (known.id for known in self._controls.values() if row.request_id and known.request_id == row.request_id)
        again = next(seen, None)
        if again is not None:
            return again
        number = len(self._controls) + 1
        self._controls[number] = replace(row, id=number)
        self._subscribers.tell((Wake("control", row.deployment, number),))
        return number

    async def pending_controls(self, deployment: DeploymentId) -> tuple[ControlRow, ...]:
        await self._turn()
        rows = self._controls.values()
        return tuple(row for row in rows if row.deployment == deployment and row.id not in self._taken)

    async def find_deployments(self, text: str) -> tuple[DeploymentId, ...]:
        newest_first = list(reversed(self._folded.values()))
        exact = [one.id for one in newest_first if one.id == text]
        there = [one.id for one in newest_first if one.environment == text]
        like = [one.id for one in newest_first if one.id.startswith(text) or one.id.endswith(text)]
        return tuple(exact or there or like)

    async def summaries(self, query: SummaryQuery) -> tuple[DeploymentSummary, ...]:
        found = (
            summarise(deployment)
            for name, deployment in reversed(self._folded.items())
            if (query.environment is None or deployment.environment == query.environment)
            and (not query.status or deployment.status.value == query.status)
            and (query.before is None or name < query.before)
        )
        return tuple(found)[: query.limit]

    async def unfinished(self) -> tuple[DeploymentId, ...]:
        return tuple(name for name, deployment in self._folded.items() if not deployment.is_terminal)

    def subscribe(self, callback: Callable[[Wake], None]) -> Callable[[], None]:
        return self._subscribers.add(callback)

    async def _turn(self) -> None:
        """Answer in the next turn of the loop, as something that is stored elsewhere would."""
        self._on_call()
        await asyncio.sleep(0)

    def _find_request(self, request_id: str) -> DeploymentId | None:
        if not request_id:
            return None
        return next((name for name, deployment in self._folded.items() if deployment.request_id == request_id), None)

    def _store(self, events: Sequence[Event]) -> tuple[Event, ...]:
        first = (self.events[-1].seq if self.events else 0) + 1
        stored = tuple(replace(event, seq=first + index) for index, event in enumerate(events))
        self._keep(stored)
        self._subscribers.tell(wakes_for(stored))
        return stored

    def _keep(self, events: Sequence[Event]) -> None:
        after: dict[DeploymentId, Deployment] = {}
        for event in events:
            known = after.get(event.deployment) or self._folded.get(event.deployment)
            after[event.deployment] = begin(event) if known is None else known.apply(event)
        self._folded.update(after)
        self.events.extend(events)
        for event in events:
            self._events_of.setdefault(event.deployment, []).append(event)

    def _refuse_when_held(self, lock: Lock) -> None:
        holder = self._locks.get(lock.environment)
        if holder is not None and holder.deployment != lock.deployment:
            raise locked(holder)
