"""The ledger in a Postgres database that several hosts share, with a read copy of its events in the local file.

What decides (locks, controls, a deployment's own events) is read from Postgres. What is shown (lists, the stream of
events) is read from the copy, so that it stays readable while the database is away. An event is announced on a host
once that host's copy has it; other hosts hear of it by NOTIFY. Measurements stay with the host that made them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from console.domain.audit import AuditEntry
from console.domain.errors import ConsoleError, StoreBusy, StoreError
from console.domain.events import Event
from console.domain.freeze import Freeze
from console.domain.ids import DeploymentId, EnvironmentName
from console.domain.observations import DeploymentSummary, Lock
from console.domain.schedule import Scheduled
from console.domain.telemetry import Measurement
from console.storage import postgres_schema
from console.storage.ledger import ControlRow, Opened, SummaryQuery, Wake
from console.storage.records import Sql
from console.storage.sql_ledger import SqlLedger
from console.storage.sqlite_ledger import SqliteLedger
from console.storage.subscribers import Subscribers, wakes_for

if TYPE_CHECKING:
    import psycopg

log = logging.getLogger(__name__)

CHANNEL = "quarterdeck"
COPY_BATCH = 500
LISTEN_SECONDS = 30.0  # looks by itself this often, should a notification be lost
RETRY_SECONDS = 2.0
TOLD_AT_ONCE: dict[str, Literal["control", "calendar"]] = {"control": "control", "calendar": "calendar"}
"""What is in no copy, so that a host is told without one."""
OPTIONS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "application_name": "quarterdeck",
}


class PostgresSql:
    """A connection that reopens itself between transactions; placeholders are turned into Postgres's."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    def _open(self) -> psycopg.Connection[tuple[Any, ...]]:
        import psycopg

        if self._connection is None or self._connection.closed or self._connection.broken:
            self._connection = psycopg.connect(self._url, autocommit=True, **OPTIONS)
            self._connection.execute("SET search_path TO quarterdeck")
        return self._connection

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self._open().execute(sql.replace("?", "%s").encode(), tuple(parameters)).fetchall()

    def run(self, sql: str, parameters: Sequence[object] = ()) -> None:
        self._open().execute(sql.replace("?", "%s").encode(), tuple(parameters))

    def run_many(self, sql: str, parameters: Sequence[Sequence[object]]) -> None:
        with self._open().cursor() as cursor:
            cursor.executemany(sql.replace("?", "%s").encode(), [tuple(row) for row in parameters])

    def writing(self) -> AbstractContextManager[None]:
        return self._writing()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        # One row locked for the length of the transaction: writers of all hosts follow each other, so that numbers
        # appear in the order of their commits and a reader's cursor can never pass one that comes later.
        with self._open().transaction():
            self.run("SELECT value FROM numbers WHERE name = 'event' FOR UPDATE")
            yield

    def notify(self, text: str) -> None:
        self.run("SELECT pg_notify(?, ?)", (CHANNEL, text))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Shared(SqlLedger):
    """The tables in Postgres. Its own announcements are not used: the copy's are."""

    def __init__(self, url: str) -> None:
        super().__init__("shared-history")
        self._url = url

    def _connect(self) -> Sql:
        sql = PostgresSql(self._url)
        try:
            postgres_schema.upgrade(sql)
        except BaseException:
            sql.close()
            raise
        return sql

    def _disconnect(self, sql: Sql) -> None:
        assert isinstance(sql, PostgresSql)
        sql.close()

    def _translate(self, problem: Exception) -> Exception:
        return translate(problem)

    async def origin(self) -> str:
        return await self._call(lambda sql: str(sql.query("SELECT value FROM meta WHERE name = 'origin'")[0][0]))

    async def notify(self, text: str) -> None:
        """Wake other hosts. A notification that is lost only costs them their next look."""

        def work(sql: Sql) -> None:
            assert isinstance(sql, PostgresSql)
            sql.notify(text)

        with contextlib.suppress(StoreError):
            await self._call(work)


class PostgresLedger:
    """Implements `Ledger` for one of several hosts."""

    def __init__(self, url: str, copy: SqliteLedger) -> None:
        self._url = url
        self._shared = _Shared(url)
        self._copy = copy
        self._name = secrets.token_hex(4)  # so that one's own notifications are told apart
        self._subscribers = Subscribers()
        self._copying = asyncio.Lock()
        self._listening: asyncio.Task[None] | None = None
        self._following: set[asyncio.Task[None]] = set()
        self._shared.subscribe(self._on_commit)

    async def open(self) -> None:
        await self._copy.open()
        try:
            await self._shared.open()
            origin = await self._shared.origin()
            if await self._copy.origin(origin) != origin:
                raise StoreError(
                    "This state directory has a history of its own, or of another shared database.",
                    "history.db",
                    "Move history.db away (it stays readable with --home), then start again.",
                )
            await self._catch_up()
        except BaseException:
            await self._copy.close()
            await self._shared.close()
            raise
        self._listening = asyncio.create_task(self._listen(), name="shared history")

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
            self._listening = None
        await asyncio.gather(*self._following, return_exceptions=True)
        await self._shared.close()
        await self._copy.close()

    async def _catch_up(self) -> None:
        """Bring the copy up to the shared log, then announce what is new here."""
        async with self._copying:
            while events := await self._shared.events_after(await self._copy.last_seq(), COPY_BATCH):
                await self._copy.copy_events(events)
                self._subscribers.tell(wakes_for(events))

    async def _catch_up_if_possible(self) -> None:
        """What follows a commit must not undo it: a copy that cannot be written now is caught up later."""
        try:
            await self._catch_up()
        except ConsoleError as problem:
            log.warning("The local copy of the history is behind: %s", problem.what)

    def _on_commit(self, wake: Wake) -> None:
        """After a commit of our own, whether or not its caller still waits: tell this host, then the others."""
        if wake.kind in TOLD_AT_ONCE:
            self._subscribers.tell((wake,))
        following = asyncio.get_running_loop().create_task(self._follow_up(wake))
        self._following.add(following)
        following.add_done_callback(self._following.discard)

    async def _follow_up(self, wake: Wake) -> None:
        if wake.kind == "event":
            await self._catch_up_if_possible()
        await self._shared.notify(f"{wake.kind} {wake.seq} {wake.deployment} {self._name}")

    async def _listen(self) -> None:
        import psycopg

        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True, **OPTIONS)
                async with connection:
                    await connection.execute(f"LISTEN {CHANNEL}".encode())
                    while True:
                        await self._catch_up()
                        async for notice in connection.notifies(timeout=LISTEN_SECONDS, stop_after=1):
                            self._hear(notice.payload)
            except (psycopg.Error, ConsoleError, OSError) as problem:
                log.warning("The shared history does not answer: %s", problem)
                await asyncio.sleep(RETRY_SECONDS)

    def _hear(self, text: str) -> None:
        kind, number, deployment, speaker = (*text.split(" "), "", "", "", "")[:4]
        if kind in TOLD_AT_ONCE and number.isdigit() and speaker != self._name:
            self._subscribers.tell((Wake(TOLD_AT_ONCE[kind], DeploymentId(deployment), int(number)),))

    async def open_deployment(self, event: Event, lock: Lock) -> Opened:
        opened = await self._shared.open_deployment(event, lock)
        if not opened.again:
            await asyncio.shield(self._catch_up_if_possible())
        return opened

    async def append(
        self,
        *events: Event,
        unlock: EnvironmentName | None = None,
        once: str = "",
        answers: int | None = None,
        lock: Lock | None = None,
    ) -> tuple[Event, ...]:
        stored = await self._shared.append(*events, unlock=unlock, once=once, answers=answers, lock=lock)
        if stored:
            await asyncio.shield(self._catch_up_if_possible())
        return stored

    async def add_control(self, row: ControlRow) -> int:
        return await self._shared.add_control(row)

    async def salt(self) -> bytes:
        return await self._shared.salt()

    async def find_request(self, request_id: str) -> DeploymentId | None:
        return await self._shared.find_request(request_id)

    async def events_of(self, deployment: DeploymentId) -> tuple[Event, ...]:
        return await self._shared.events_of(deployment)

    async def locks(self) -> tuple[Lock, ...]:
        return await self._shared.locks()

    async def pending_controls(self, deployment: DeploymentId) -> tuple[ControlRow, ...]:
        return await self._shared.pending_controls(deployment)

    async def unfinished(self) -> tuple[DeploymentId, ...]:
        return await self._shared.unfinished()

    async def events_after(self, seq: int, limit: int = 500) -> tuple[Event, ...]:
        return await self._copy.events_after(seq, limit)

    async def last_seq(self) -> int:
        return await self._copy.last_seq()

    async def summaries(self, query: SummaryQuery) -> tuple[DeploymentSummary, ...]:
        return await self._copy.summaries(query)

    async def unfinished_reviews(self) -> tuple[DeploymentSummary, ...]:
        return await self._copy.unfinished_reviews()

    async def find_deployments(self, text: str) -> tuple[DeploymentId, ...]:
        return await self._copy.find_deployments(text)

    async def add_measurements(self, items: Sequence[Measurement]) -> None:
        await self._copy.add_measurements(items)

    async def measurements(
        self, environment: EnvironmentName, since: datetime, until: datetime, names: Sequence[str] = ()
    ) -> tuple[Measurement, ...]:
        return await self._copy.measurements(environment, since, until, names)

    async def record_audit(self, entry: AuditEntry) -> None:
        await self._shared.record_audit(entry)

    async def audit(
        self, since: datetime | None = None, until: datetime | None = None, actor: str = "", limit: int = 500
    ) -> tuple[AuditEntry, ...]:
        return await self._shared.audit(since, until, actor, limit)

    async def add_freeze(self, freeze: Freeze) -> None:
        await self._shared.add_freeze(freeze)

    async def lift_freeze(self, lifted: Freeze) -> bool:
        return await self._shared.lift_freeze(lifted)

    async def freezes(self, after: datetime) -> tuple[Freeze, ...]:
        return await self._shared.freezes(after)

    async def add_scheduled(self, entry: Scheduled, request_id: str = "") -> Scheduled:
        return await self._shared.add_scheduled(entry, request_id)

    async def change_scheduled(self, entry: Scheduled) -> Scheduled | None:
        return await self._shared.change_scheduled(entry)

    async def scheduled(self, since: datetime | None = None) -> tuple[Scheduled, ...]:
        return await self._shared.scheduled(since)

    async def forget_deployments(self, keep: int) -> tuple[DeploymentId, ...]:
        gone = await self._shared.forget_deployments(keep)
        forgotten_here = await self._copy.forget_deployments(keep)
        return tuple(dict.fromkeys((*gone, *forgotten_here)))

    async def forget_measurements(self, before: datetime) -> int:
        return await self._copy.forget_measurements(before)

    def subscribe(self, callback: Callable[[Wake], None]) -> Callable[[], None]:
        return self._subscribers.add(callback)


def translate(problem: Exception) -> Exception:
    """Turn an error of Postgres into one that says what to do; others pass unchanged. Never shows the address."""
    import psycopg
    from psycopg import errors

    if isinstance(problem, ConsoleError) or not isinstance(problem, psycopg.Error):
        return problem
    words = problem.diag.message_primary or str(problem).splitlines()[0] if str(problem) else type(problem).__name__
    if isinstance(problem, errors.DiskFull):
        return StoreError("The shared database's disk is full.", "engine.url", "Free some space there, then try again.")
    if isinstance(problem, errors.InvalidPassword | errors.InsufficientPrivilege | errors.InvalidCatalogName):
        return StoreError(
            f"The shared database refuses: {words}.",
            "engine.url",
            "Check the address; its user must be allowed to create the schema `quarterdeck`.",
        )
    if isinstance(problem, errors.LockNotAvailable | errors.QueryCanceled):
        return StoreBusy(f"The shared database is busy: {words}.", "engine.url", "Try again.")
    if isinstance(problem, psycopg.OperationalError):
        error = StoreError(
            f"The shared database does not answer: {words}.",
            "engine.url",
            "What is shown comes from the local copy. Running steps wait; nothing is lost.",
        )
        error.transient = True
        return error
    return StoreError(f"The shared database failed: {words}.", "engine.url", "The worker's log has the details.")
