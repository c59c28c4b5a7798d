"""Freezes, deployments to come and the audit in memory, for as long as the process lives."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from console.domain.audit import AuditEntry
from console.domain.freeze import Freeze, FreezeId
from console.domain.schedule import Scheduled, ScheduledId
from console.storage.ledger import CALENDAR
from console.storage.subscribers import Subscribers


class MemoryCalendar:
    """Implements `CalendarLedger`. `subscribers` are told of every change."""

    def __init__(self, subscribers: Subscribers) -> None:
        self.audited: list[AuditEntry] = []
        self._told = subscribers
        self._freezes: dict[FreezeId, Freeze] = {}
        self._schedule: dict[ScheduledId, Scheduled] = {}
        self._requests: dict[str, ScheduledId] = {}

    async def add_freeze(self, freeze: Freeze) -> None:
        await self._turn()
        self._freezes[freeze.id] = freeze
        self._told.tell((CALENDAR,))

    async def lift_freeze(self, lifted: Freeze) -> bool:
        await self._turn()
        known = self._freezes[lifted.id]
        self._freezes[lifted.id] = lifted
        self._told.tell((CALENDAR,))
        return known.lifted_at is None

    async def freezes(self, after: datetime) -> tuple[Freeze, ...]:
        standing = [freeze for freeze in self._freezes.values() if freeze.lifted_at is None and freeze.ends_at > after]
        return tuple(sorted(standing, key=lambda freeze: (freeze.begins_at, freeze.id)))

    async def add_scheduled(self, entry: Scheduled, request_id: str = "") -> Scheduled:
        await self._turn()
        known = self._requests.setdefault(request_id or entry.id, entry.id)
        stored = self._schedule.setdefault(known, entry)
        self._told.tell((CALENDAR,))
        return stored

    async def change_scheduled(self, entry: Scheduled) -> Scheduled | None:
        await self._turn()
        if self._schedule[entry.id].revision != entry.revision:
            return None
        after = self._schedule[entry.id] = replace(entry, revision=entry.revision + 1)
        self._told.tell((CALENDAR,))
        return after

    async def scheduled(self, since: datetime | None = None) -> tuple[Scheduled, ...]:
        found = [e for e in self._schedule.values() if e.status.is_open or (since is not None and e.at >= since)]
        return tuple(sorted(found, key=lambda entry: (entry.at, entry.id)))

    async def record_audit(self, entry: AuditEntry) -> None:
        await self._turn()
        self.audited.append(entry)

    async def _turn(self) -> None:
        """Answer later, as something that is stored elsewhere would."""
