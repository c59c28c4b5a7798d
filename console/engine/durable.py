"""Durable workflows on DBOS. The only module that imports it, and only when there is something to run.

DBOS polls its database once a second on several threads, about one percent of a core for as long as it is launched.
The engine is therefore launched for the first workflow and let go of when the last one has been over for a while.

Fixed here, each for a measured reason: `application_version` (the default is a hash of the code, so that any upgrade
would orphan running deployments), the JSON serializer (the default is pickle), bounded threads (the default makes one a
workflow), WAL with full synchronisation (DBOS sets neither). Controls and aborts never go through DBOS: its signals are
polled, and its cancel neither interrupts a step nor lets the workflow clean up.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.domain.errors import StoreError
from console.engine.ports import Json, Workflow

if TYPE_CHECKING:
    import sqlalchemy

log = logging.getLogger(__name__)

APPLICATION_VERSION = "quarterdeck-1"
"""Raised only together with a migration of running workflows."""

WORKFLOW_NAME = "run-deployment"
ACTIVE = frozenset({"PENDING", "ENQUEUED", "DELAYED"})
LINGER_SECONDS = 30.0
MAX_THREADS = 8
MAX_RECOVERIES = 1000


@dataclass(frozen=True)
class _DbosContext:
    workflow_id: str

    async def step(self, name: str, body: Callable[[], Awaitable[Json]]) -> Json:
        from dbos import DBOS

        async def call() -> Json:
            return await body()

        return await DBOS.run_step_async({"name": name}, call)


class DbosDurable:
    """DBOS over one SQLite file (`database` is its path) or over Postgres (`url`)."""

    def __init__(
        self, *, database: Path | None = None, url: str = "", worker: str, linger: float = LINGER_SECONDS
    ) -> None:
        if (database is None) == (not url):
            raise ValueError("name either a database file or a URL")
        self._database = database
        self._url = url
        self._worker = worker
        self._linger = linger
        self._workflow: Workflow | None = None
        self._ended: Callable[[str], None] = lambda _: None
        self._registered: Any = None
        self._launched = False
        self._lock = asyncio.Lock()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._broken: set[str] = set()
        self._idle: asyncio.TimerHandle | None = None
        self._resting: asyncio.Task[None] | None = None

    def bind(self, workflow: Workflow, ended: Callable[[str], None]) -> None:
        self._workflow = workflow
        self._ended = ended

    async def ensure(self, name: str, argument: Json, *, adopt: bool = False) -> None:
        async with self._lock:
            if name in self._running:
                return
            await self._launch()
            from dbos import DBOS, SetWorkflowID

            for workflow_id in _ids_of(name):
                status = await DBOS.get_workflow_status_async(workflow_id)
                if status is None:
                    with SetWorkflowID(workflow_id):
                        handle = await DBOS.start_workflow_async(self._registered, argument)
                elif status.status not in ACTIVE:
                    continue
                else:
                    if workflow_id in self._broken or (adopt and status.executor_id != self._worker):
                        await DBOS.resume_workflow_async(workflow_id)
                        self._broken.discard(workflow_id)
                    handle = await DBOS.retrieve_workflow_async(workflow_id)
                self._watch(name, handle)
                return

    async def stop(self) -> None:
        if self._idle:
            self._idle.cancel()
        async with self._lock:
            for task in self._running.values():
                task.cancel()
            self._running.clear()
            await self._destroy()

    def _watch(self, name: str, handle: Any) -> None:
        if self._idle:
            self._idle.cancel()
            self._idle = None

        async def wait() -> None:
            # DBOS logs the traceback of a failed workflow itself; here only its end matters.
            with contextlib.suppress(Exception):
                await handle.get_result(polling_interval_sec=1.0)
            self._running.pop(name, None)
            if not self._running:
                self._idle = asyncio.get_running_loop().call_later(self._linger, self._rest)
            self._ended(name)

        self._running[name] = asyncio.create_task(wait(), name=f"watch {name}")

    def _rest(self) -> None:
        self._resting = asyncio.create_task(self._let_go())

    async def _let_go(self) -> None:
        async with self._lock:
            if not self._running:
                await self._destroy()

    async def _launch(self) -> None:
        if self._launched:
            return
        await asyncio.to_thread(_import_dbos)  # half a second of imports, kept off the loop
        from dbos import DBOS, DBOSPortableJSONSerializer

        if self._registered is None:
            self._registered = self._register()
        logging.getLogger("dbos").setLevel(logging.ERROR)
        settings: dict[str, Any] = {
            "name": "quarterdeck",
            "application_version": APPLICATION_VERSION,
            "executor_id": self._worker,
            "serializer": DBOSPortableJSONSerializer(),
            "max_executor_threads": MAX_THREADS,
            "log_level": "ERROR",
            "notification_coalesce_sec": 0.1,
        }
        if self._database is not None:
            settings["system_database_url"] = f"sqlite:///{self._database}"
            settings["system_database_engine"] = _sqlite_engine(self._database)
        else:
            settings["system_database_url"] = self._url
        DBOS(config=settings)  # type: ignore[arg-type]  # a TypedDict; its optional keys are chosen at run time
        await asyncio.to_thread(DBOS.launch)
        self._launched = True

    async def _destroy(self) -> None:
        if not self._launched:
            return
        from dbos import DBOS

        self._launched = False
        # While launched, DBOS lends the loop its own threads, and takes them down with itself.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(thread_name_prefix="quarterdeck"))
        await asyncio.to_thread(DBOS.destroy)

    def _register(self) -> Any:
        from dbos import DBOS

        workflow: Any = self._workflow
        if workflow is None:
            raise RuntimeError("bind a workflow first")

        home = asyncio.get_running_loop()

        @DBOS.workflow(name=WORKFLOW_NAME, max_recovery_attempts=MAX_RECOVERIES)
        async def run(argument: Json) -> Json:
            workflow_id = DBOS.workflow_id or ""
            running = workflow(_DbosContext(workflow_id), argument)
            try:
                if asyncio.get_running_loop() is home:
                    return await running
                # What DBOS recovers it runs on a loop of its own; everything of ours lives on the one we were built on.
                return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(running, home))
            except Exception:
                # Where its file cannot be written (a full disk), DBOS goes on to believe that it runs.
                self._broken.add(workflow_id)
                raise

        return run


def _ids_of(name: str) -> Iterator[str]:
    """The name itself, then numbered ones: a rollback of an ended deployment is a second workflow of its name."""
    yield name
    for number in itertools.count(2):
        yield f"{name}~{number}"


def _import_dbos() -> None:
    import dbos  # noqa: F401


def _sqlite_engine(path: Path) -> sqlalchemy.Engine:
    import sqlalchemy
    from sqlalchemy import event

    check_sqlite()
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("busy_timeout=30000", "foreign_keys=ON", "journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        if sqlite3.sqlite_version_info < (3, 42):
            # DBOS asks for unixepoch('subsec'), which SQLite answers with NULL before 3.42.
            connection.create_function("unixepoch", -1, _unixepoch)

    if not path.exists():
        path.touch(mode=0o600)
    return engine


def _unixepoch(*arguments: object) -> float | int:
    import time

    now = time.time()
    return now if "subsec" in arguments or "subsecond" in arguments else int(now)


def check_sqlite() -> None:
    """Refuse an SQLite that DBOS cannot use at all.

    Raises:
        StoreError: It is older than 3.35, which has no RETURNING.
    """
    if sqlite3.sqlite_version_info < (3, 35):
        raise StoreError(
            f"SQLite {sqlite3.sqlite_version} is too old: the engine needs 3.35 or newer.",
            f"Python {sys.version.split()[0]} at {sys.executable}",
            "Use a Python with a newer SQLite, or point engine.url at a Postgres.",
        )
