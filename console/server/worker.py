"""The composition root: every part of the worker is built here, started in order and stopped in reverse."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.metadata
import logging
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from console.client.places import Places
from console.config.loader import load
from console.config.location import locate
from console.config.secrets import Secrets, resolve_all
from console.config.settings import Settings
from console.domain.clock import SystemClock
from console.domain.errors import ConsoleError
from console.engine.chores import ChildProcesses
from console.engine.durable import DbosDurable
from console.engine.engine import Engine
from console.engine.takeover import Takeover
from console.engine.variables import Variables
from console.server.api import build_api
from console.server.backups import BackupKeeper, in_a_process
from console.server.connections import open_connections, provider_options
from console.server.desk import FrontDesk
from console.server.examination import Examiner
from console.server.lifecycle import open_listener
from console.server.parts import About, Parts
from console.server.peer import PeerServer
from console.server.roles import Roles
from console.server.secrets import SecretDesk
from console.server.tailing import LogTail
from console.server.tracing import ReviewTracing
from console.server.variables import Resolver, VariableDesk
from console.storage.kept import KEPT_FOR, KeptValues
from console.storage.ledger import Ledger
from console.storage.logs import LogStore
from console.storage.retention import Keep, prune
from console.storage.sqlite_ledger import SqliteLedger
from console.variables.digest import Masker
from console.watch.feeds.checking import MetricChecker
from console.watch.monitor import Monitor
from providers.postgres.logins import PostgresLogins
from providers.postgres.standbys import PostgresStandbys
from providers.redaction import redact
from providers.statuspages import StatusPages

log = logging.getLogger(__name__)

PRUNE_SECONDS = 3600.0


class Worker:
    """Everything that runs for one state directory."""

    def __init__(self, places: Places, config: Path | None = None) -> None:
        self._places = places
        self._config = config
        self._clock = SystemClock()
        self._closers: list[Callable[[], Awaitable[object]]] = []
        self._stopping = asyncio.Event()

    def ask_to_stop(self) -> None:
        self._stopping.set()

    async def wait_until_asked(self) -> None:
        await self._stopping.wait()

    async def start(self) -> None:
        """Build and start every part; clients can connect when this returns.

        Raises:
            ConfigError: The configuration or a secret it refers to cannot be used.
            StoreError: The history cannot be opened.
        """
        settings = load(locate(self._places.home, self._config))
        secrets = resolve_all(settings)
        hide_secrets(secrets)
        url = engine_url(settings, secrets)
        name = worker_name(settings, self._places.home, shared=bool(url))
        ledger = await self._open_ledger(url)
        pages = StatusPages()
        self._closers.append(pages.close)
        connections = open_connections(settings, secrets, self._clock, pages)
        for connection in connections.values():
            self._closers.append(connection.close)
        logs = LogStore(self._places.logs)
        self._closers.append(logs.close)
        monitor = Monitor(settings, connections, ledger, self._clock)
        masker = Masker(await ledger.salt())
        kept = KeptValues(self._places.home / "kept")
        resolver = Resolver(settings)
        variables = Variables(
            settings, connections, masker, kept, resolver, PostgresLogins(), resolver.follow, PostgresStandbys()
        )
        durable = DbosDurable(url=url, worker=name) if url else DbosDurable(database=self._places.engine, worker=name)
        engine = Engine(
            settings=settings,
            ledger=ledger,
            durable=durable,
            connections=connections,
            clock=self._clock,
            worker=name,
            variables=variables,
            chores=ChildProcesses(self._places.home, lambda name: provider_options(settings, secrets, name)),
            shared=bool(url),
        )
        tail = LogTail(settings, connections, ledger, logs, self._clock, secrets.texts())
        listener, path = open_listener(self._places, settings.server.socket_group)
        self._closers.append(lambda: asyncio.to_thread(path.unlink, missing_ok=True))
        if url:
            takeover = Takeover(url, name, engine)
            await takeover.start()
            self._closers.append(takeover.stop)
        await engine.start()
        self._closers.append(engine.stop)
        await monitor.start()
        self._closers.append(monitor.stop)
        await tail.start()
        self._closers.append(tail.stop)
        about = About(
            worker=name,
            version=importlib.metadata.version("quarterdeck"),
            started_at=self._clock.now(),
            home=self._places.home,
            socket=path,
            engine="PostgreSQL, shared with other hosts" if url else str(self._places.engine),
        )
        desk = FrontDesk(connections, ledger, self._clock)
        self._closers.append(desk.stop)
        await desk.start()
        tracing = ReviewTracing(settings.source.provider, ledger, engine, desk, self._clock, name)
        self._closers.append(tracing.stop)
        await tracing.start()
        parts = Parts(
            settings,
            ledger,
            logs,
            engine,
            monitor,
            tail,
            self._clock,
            about,
            desk,
            VariableDesk(variables, ledger),
            SecretDesk(settings, variables, ledger, self._clock, self._places.home),
            Examiner(settings, connections, pages),
            MetricChecker(settings, connections, self._clock),
            self._stopping,
        )
        server = PeerServer(build_api(parts, Roles(settings.roles)))
        await server.listen(listener)
        self._closers.append(server.close)
        keep = Keep(settings.history.keep_deployments, settings.history.keep_logs, settings.history.keep_metrics)
        backups = BackupKeeper(settings, self._places.home, self._clock, in_a_process(self._places.home, settings))
        backing_up = asyncio.create_task(backups.keep(), name="backups")
        self._closers.append(lambda: _end(backing_up))
        pruning = asyncio.create_task(self._prune(ledger, logs, kept, keep), name="retention")
        self._closers.append(lambda: _end(pruning))
        log.info("Worker %s is ready on %s", name, path)

    async def stop(self) -> None:
        """Stop every part that was started, the last first. One that fails does not keep the others."""
        self._stopping.set()
        while self._closers:
            close = self._closers.pop()
            try:
                await close()
            except Exception:
                log.exception("A part of the worker did not stop cleanly")
        log.info("The worker has stopped")

    async def _open_ledger(self, url: str) -> Ledger:
        local = SqliteLedger(self._places.history)
        ledger: Ledger = local
        if url:
            from console.storage.postgres_ledger import PostgresLedger

            ledger = PostgresLedger(url, local)
        await ledger.open()
        self._closers.append(ledger.close)
        return ledger

    async def _prune(self, ledger: Ledger, logs: LogStore, kept: KeptValues, keep: Keep) -> None:
        while True:
            try:
                pruned = await prune(ledger, logs, keep, self._clock.now())
                await asyncio.to_thread(kept.forget, self._clock.now() - KEPT_FOR)
                if pruned.deployments or pruned.log_files or pruned.measurements:
                    log.info("Removed what is past its time: %s", pruned)
            except (ConsoleError, OSError) as problem:
                log.warning("What is past its time could not be removed: %s", problem)
            await self._clock.sleep(PRUNE_SECONDS)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def engine_url(settings: Settings, secrets: Secrets) -> str:
    """The address of the shared database; empty for none."""
    secret = secrets.find("engine.url")
    return secret.reveal() if secret else settings.engine.url


def worker_name(settings: Settings, home: Path, *, shared: bool) -> str:
    """The name in records, the same after every start: the configured one, or the host's.

    Among workers that share a database the state directory is part of it, since two may run on one host.
    """
    host = settings.engine.worker or socket.gethostname()
    if settings.engine.worker or not shared:
        return host
    return f"{host}-{hashlib.sha256(str(home).encode()).hexdigest()[:4]}"


def hide_secrets(secrets: Secrets) -> None:
    """Keep every secret out of the worker's own log, whoever writes there."""
    texts = tuple(secrets.texts())

    def mask(record: logging.LogRecord) -> bool:
        shown = record.getMessage()
        masked = redact(shown, texts)
        if masked != shown:
            record.msg, record.args = masked, ()
        return True

    for handler in logging.getLogger().handlers:
        handler.addFilter(mask)
