"""The part of the ledger that the engine uses, in memory, with a copy of what the real one knows of the past."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from console.client.service import HistoryQuery
from console.domain import events as ev
from console.domain.deployment import Deployment, begin, fold
from console.domain.events import Event
from console.domain.ids import DeploymentId, EnvironmentName
from console.domain.observations import DeploymentSummary, Lock
from console.rehearsal.clock import JumpingClock
from console.storage.ledger import ControlRow, Opened, Wake
from console.storage.projection import summarise


class ThrowawayLedger:
    """Answers as the real one does as far as one deployment needs.

    Args:
        past: Events of past deployments, each one's in order. What they were configured with is left out: its digests
            are under the worker's own salt, which stays with it.
    """

    def __init__(self, clock: JumpingClock, past: Sequence[Sequence[Event]] = ()) -> None:
        self._clock = clock
        self._events: dict[DeploymentId, list[Event]] = {}
        self._folded: dict[DeploymentId, Deployment] = {}
        self._once: set[str] = set()
        self._locks: dict[EnvironmentName, Lock] = {}
        self._controls: dict[int, tuple[ControlRow, bool]] = {}
        self._subscribers: list[Callable[[Wake], None]] = []
        self._seq = 0
        for history in past:
            known = [event for event in history if not isinstance(event.payload, ev.ConfigurationRecorded)]
            folded = fold(known)
            if folded is not None and folded.is_terminal:
                self._events[folded.id], self._folded[folded.id] = list(known), folded
                self._seq = max(self._seq, folded.seq)

    def deployment(self, name: DeploymentId) -> Deployment:
        return self._folded[name]

    async def open_deployment(self, event: Event, lock: Lock) -> Opened:
        self._locks[lock.environment] = lock
        self._store(event)
        return Opened(event.deployment)

    async def find_request(self, request_id: str) -> DeploymentId | None:
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
        self._once.add(once)
        if lock is not None:
            self._locks[lock.environment] = lock
        stored = tuple(self._store(event) for event in events)
        if unlock is not None:
            self._locks.pop(unlock, None)
        return stored

    async def events_of(self, deployment: DeploymentId) -> tuple[Event, ...]:
        await self._turn()
        return tuple(self._events.get(deployment, ()))

    async def locks(self) -> tuple[Lock, ...]:
        return tuple(self._locks.values())

    async def add_control(self, row: ControlRow) -> int:
        number = len(self._controls) + 1
        self._controls[number] = (replace(row, id=number), False)
        self._tell(Wake("control", row.deployment, number))
        return number

    async def pending_controls(self, deployment: DeploymentId) -> tuple[ControlRow, ...]:
        await self._turn()
        return tuple(row for row, taken in self._controls.values() if row.deployment == deployment and not taken)

    async def find_deployments(self, text: str) -> tuple[DeploymentId, ...]:
        found = (one.id for one in self._folded.values() if text in (one.environment, one.id))
        return tuple(sorted(found, reverse=True))

    async def last_seq(self) -> int:
        return self._seq

    async def summaries(self, query: HistoryQuery) -> tuple[DeploymentSummary, ...]:
        ids = await self.find_deployments(query.environment or "")
        chosen = [name for name in ids if not query.before or name < query.before]
        return tuple(summarise(self._folded[name]) for name in chosen[: query.limit])

    async def unfinished(self) -> tuple[DeploymentId, ...]:
        return tuple(one.id for one in self._folded.values() if not one.is_terminal)

    def subscribe(self, callback: Callable[[Wake], None]) -> Callable[[], None]:
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    async def _turn(self) -> None:
        self._clock.touch()
        await asyncio.sleep(0)

    def _store(self, event: Event) -> Event:
        self._seq += 1
        stored = replace(event, seq=self._seq)
        self._events.setdefault(stored.deployment, []).append(stored)
        known = self._folded.get(stored.deployment)
        self._folded[stored.deployment] = begin(stored) if known is None else known.apply(stored)
        self._tell(Wake("event", stored.deployment, stored.seq))
        return stored

    def _tell(self, wake: Wake) -> None:
        for subscriber in tuple(self._subscribers):
            subscriber(wake)
