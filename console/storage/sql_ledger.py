"""The ledger over one database that one thread of ours reads and writes, whichever database it is."""

from __future__ import annotations

import asyncio
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar

from console.domain.audit import AuditEntry
from console.domain.errors import StoreError
from console.domain.events import Event
from console.domain.freeze import Freeze
from console.domain.ids import DeploymentId, EnvironmentName
from console.domain.observations import DeploymentSummary, Lock
from console.domain.schedule import Scheduled
from console.domain.telemetry import Measurement
from console.storage import calendar, figures, records
from console.storage.ledger import CALENDAR, ControlRow, Opened, SummaryQuery, Wake
from console.storage.records import Folds, Sql
from console.storage.subscribers import Subscribers, wakes_for

T = TypeVar("T")

SALT_BYTES = 32


class SqlLedger(ABC):
    """Implements `Ledger`; a subclass says how to connect, and how its database's errors read.

    The thread commits and then hands the announcement to the loop itself, so that a caller who was cancelled while
    waiting has not silenced an event that is on disk.
    """

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._subscribers = Subscribers()
        self._folds = Folds()
        self._sql: Sql | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @abstractmethod
    def _connect(self) -> Sql: ...

    @abstractmethod
    def _disconnect(self, sql: Sql) -> None: ...

    @abstractmethod
    def _translate(self, problem: Exception) -> Exception: ...

    async def open(self) -> None:
        self._loop = asyncio.get_running_loop()

        def connect() -> None:
            try:
                self._sql = self._connect()
            except Exception as problem:
                raise self._translate(problem) from problem

        await self._loop.run_in_executor(self._thread, connect)

    async def close(self) -> None:
        def disconnect() -> None:
            if self._sql is not None:
                self._disconnect(self._sql)
                self._sql = None

        if self._loop is not None:
            await self._loop.run_in_executor(self._thread, disconnect)
            self._loop = None
        self._thread.shutdown(wait=False)

    async def _call(self, work: Callable[[Sql], T]) -> T:
        def run() -> T:
            if self._sql is None:
                raise StoreError("The history is closed.", "", "Start the worker again.")
            try:
                return work(self._sql)
            except Exception as problem:
                raise self._translate(problem) from problem

        if self._loop is None:
            raise StoreError("The history is not open.", "", "Start the worker again.")
        return await self._loop.run_in_executor(self._thread, run)

    def _announce(self, wakes: Sequence[Wake]) -> None:
        """Tell subscribers, from the ledger's thread, right after a commit."""
        if wakes and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._subscribers.tell, wakes)

    async def open_deployment(self, event: Event, lock: Lock) -> Opened:
        def work(sql: Sql) -> Opened:
            opened, stored = records.open_deployment(sql, self._folds, event, lock)
            self._announce(wakes_for(stored))
            return opened

        return await self._call(work)

    async def salt(self) -> bytes:
        fresh = secrets.token_hex(SALT_BYTES)
        return bytes.fromhex(await self._call(lambda sql: records.salt(sql, fresh)))

    async def find_request(self, request_id: str) -> DeploymentId | None:
        return await self._call(lambda sql: records.find_request(sql, request_id))

    async def append(
        self,
        *events: Event,
        unlock: EnvironmentName | None = None,
        once: str = "",
        answers: int | None = None,
        lock: Lock | None = None,
    ) -> tuple[Event, ...]:
        def work(sql: Sql) -> tuple[Event, ...]:
            stored = records.append(sql, self._folds, events, unlock, once, answers, lock)
            self._announce(wakes_for(stored))
            return stored

        return await self._call(work) if events else ()

    async def events_of(self, deployment: DeploymentId) -> tuple[Event, ...]:
        return await self._call(lambda sql: records.events_of(sql, deployment))

    async def events_after(self, seq: int, limit: int = 500) -> tuple[Event, ...]:
        return await self._call(lambda sql: records.events_after(sql, seq, limit))

    async def last_seq(self) -> int:
        return await self._call(records.last_seq)

    async def locks(self) -> tuple[Lock, ...]:
        return await self._call(records.locks)

    async def add_control(self, row: ControlRow) -> int:
        def work(sql: Sql) -> int:
            number, is_new = records.add_control(sql, row)
            self._announce((Wake("control", row.deployment, number),) if is_new else ())
            return number

        return await self._call(work)

    async def pending_controls(self, deployment: DeploymentId) -> tuple[ControlRow, ...]:
        return await self._call(lambda sql: records.pending_controls(sql, deployment))

    async def summaries(self, query: SummaryQuery) -> tuple[DeploymentSummary, ...]:
        return await self._call(lambda sql: records.summaries(sql, query))

    async def unfinished_reviews(self) -> tuple[DeploymentSummary, ...]:
        return await self._call(records.unfinished_reviews)

    async def find_deployments(self, text: str) -> tuple[DeploymentId, ...]:
        return await self._call(lambda sql: records.find_deployments(sql, text))

    async def unfinished(self) -> tuple[DeploymentId, ...]:
        return await self._call(records.unfinished)

    async def add_measurements(self, items: Sequence[Measurement]) -> None:
        if items:
            await self._call(lambda sql: figures.add_measurements(sql, items))

    async def measurements(
        self, environment: EnvironmentName, since: datetime, until: datetime, names: Sequence[str] = ()
    ) -> tuple[Measurement, ...]:
        return await self._call(lambda sql: figures.measurements(sql, environment, since, until, names))

    async def record_audit(self, entry: AuditEntry) -> None:
        await self._call(lambda sql: figures.record_audit(sql, entry))

    async def audit(
        self, since: datetime | None = None, until: datetime | None = None, actor: str = "", limit: int = 500
    ) -> tuple[AuditEntry, ...]:
        return await self._call(lambda sql: figures.audit(sql, since, until, actor, limit))

    async def _call_and_tell(self, work: Callable[[Sql], T]) -> T:
        """Change freezes or the schedule, and say that they changed."""

        def change(sql: Sql) -> T:
            answer = work(sql)
            self._announce((CALENDAR,))
            return answer

        return await self._call(change)

    async def add_freeze(self, freeze: Freeze) -> None:
        await self._call_and_tell(lambda sql: calendar.add_freeze(sql, freeze))

    async def lift_freeze(self, lifted: Freeze) -> bool:
        return await self._call_and_tell(lambda sql: calendar.lift_freeze(sql, lifted))

    async def freezes(self, after: datetime) -> tuple[Freeze, ...]:
        return await self._call(lambda sql: calendar.freezes(sql, after))

    async def add_scheduled(self, entry: Scheduled, request_id: str = "") -> Scheduled:
        return await self._call_and_tell(lambda sql: calendar.add_scheduled(sql, entry, request_id))

    async def change_scheduled(self, entry: Scheduled) -> Scheduled | None:
        return await self._call_and_tell(lambda sql: calendar.change_scheduled(sql, entry))

    async def scheduled(self, since: datetime | None = None) -> tuple[Scheduled, ...]:
        return await self._call(lambda sql: calendar.scheduled(sql, since))

    async def forget_deployments(self, keep: int) -> tuple[DeploymentId, ...]:
        return await self._call(lambda sql: records.forget_deployments(sql, keep))

    async def forget_measurements(self, before: datetime) -> int:
        return await self._call(lambda sql: figures.forget_measurements(sql, before))

    def subscribe(self, callback: Callable[[Wake], None]) -> Callable[[], None]:
        return self._subscribers.add(callback)
