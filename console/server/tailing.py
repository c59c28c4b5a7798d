"""Fetch the platforms' logs while somebody reads them or a deployment moves there, and keep them in our own files."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from console.config.settings import Settings
from console.domain.clock import Clock
from console.domain.errors import ConsoleError
from console.domain.ids import DeploymentId, EnvironmentName
from console.domain.observations import LogLine
from console.storage.ledger import Ledger, Wake
from console.storage.logs import LogStore
from console.watch.arms import ONLY_ARM, watched_arms
from providers.contract import Connection, LogSource, Unsupported
from providers.redaction import redact

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.05
COMMITS_GATHER_SECONDS = 0.2
"""Commits come in flocks, a rollback's above all: one look at the locks serves a flock, and is not in its way."""

MOST_GATHERED = 2_000
RETRY_SECONDS = 10.0
JUST_AFTER = timedelta(microseconds=1)
BETWEEN_LINES = "\n;\n"  # no secret's shape reaches across a semicolon


@dataclass(frozen=True)
class _Place:
    """One platform's log of one arm, and the name under which its lines are kept."""

    environment: EnvironmentName
    provider: str
    target: str
    source: str


class LogTail:
    """Follows what is wanted and lets go of the rest."""

    def __init__(
        self,
        settings: Settings,
        connections: Mapping[str, Connection],
        ledger: Ledger,
        logs: LogStore,
        clock: Clock,
        secrets: Iterable[str] = (),
    ) -> None:
        self._connections = connections
        self._ledger = ledger
        self._logs = logs
        self._clock = clock
        self._secrets = tuple(secrets)
        self._places = {EnvironmentName(name): _places(settings, name) for name in settings.environments}
        self._readers: Counter[EnvironmentName] = Counter()
        self._moving: dict[EnvironmentName, DeploymentId] = {}
        self._tasks: dict[_Place, asyncio.Task[None]] = {}
        self._reached: dict[_Place, datetime] = {}
        self._changed = asyncio.Event()
        self._updating: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] = lambda: None

    async def start(self) -> None:
        self._unsubscribe = self._ledger.subscribe(self._on_wake)
        await self._update()
        self._updating = asyncio.create_task(self._keep_updated(), name="tailing")

    async def stop(self) -> None:
        self._unsubscribe()
        ending = [*self._tasks.values(), *filter(None, [self._updating])]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        self._tasks.clear()

    @contextmanager
    def reading(self, environment: EnvironmentName | None) -> Iterator[None]:
        """Follow an environment's logs, or all of them, while somebody reads."""
        wanted = [environment] if environment else list(self._places)
        self._readers.update(wanted)
        self._reconsider()
        try:
            yield
        finally:
            self._readers.subtract(wanted)
            self._reconsider()

    def _on_wake(self, wake: Wake) -> None:
        if wake.kind == "event":
            self._changed.set()

    async def _keep_updated(self) -> None:
        while True:
            await self._changed.wait()
            await asyncio.sleep(COMMITS_GATHER_SECONDS)
            self._changed.clear()
            await self._update()

    async def _update(self) -> None:
        before = self._moving
        try:
            self._moving = {lock.environment: lock.deployment for lock in await self._ledger.locks()}
        except ConsoleError as problem:
            log.warning("The locks cannot be read: %s", problem.what)
        for environment in self._moving.keys() - before.keys():
            # A log that was silent is asked seldom; begun anew, from where it was, it is asked at once.
            for place in self._places.get(environment, ()):
                if place in self._tasks:
                    self._tasks.pop(place).cancel()
        self._reconsider()

    def _reconsider(self) -> None:
        wanted = {
            place
            for environment, places in self._places.items()
            if self._readers[environment] > 0 or environment in self._moving
            for place in places
        }
        for place in self._tasks.keys() - wanted:
            self._tasks.pop(place).cancel()
            self._reached.pop(place, None)
        for place in wanted - self._tasks.keys():
            source = self._source(place.provider)
            if source is not None:
                self._tasks[place] = asyncio.create_task(self._follow(place, source), name=f"log {place.source}")

    def _source(self, provider: str) -> LogSource | None:
        connection = self._connections.get(provider)
        source = connection.capabilities.logs if connection else None
        return None if source is None or isinstance(source, Unsupported) else source

    async def _follow(self, place: _Place, source: LogSource) -> None:
        self._reached.setdefault(place, self._clock.now())
        while True:
            gathered: list[LogLine] = []
            try:
                async for line in source.follow_logs(place.target, self._reached[place]):
                    self._reached[place] = max(self._reached[place], line.at + JUST_AFTER)
                    if not gathered:
                        asyncio.get_running_loop().call_later(GATHER_SECONDS, self._write, place, gathered)
                    gathered.append(line)
                    if len(gathered) >= MOST_GATHERED:
                        self._write(place, gathered)
                        await asyncio.sleep(0)
            except ConsoleError as problem:
                log.info("The log of %s cannot be followed: %s", place.source, problem.what)
            except Exception:
                log.exception("Following the log of %s failed; it is tried again.", place.source)
            finally:
                self._write(place, gathered)
            await self._clock.sleep(RETRY_SECONDS)

    def _write(self, place: _Place, gathered: list[LogLine]) -> None:
        """Keep the lines gathered so far under the deployment that moves, or as live ones."""
        if not gathered:
            return
        texts = redact_lines([line.text for line in gathered], self._secrets)
        lines = [replace(line, source=place.source, text=text) for line, text in zip(gathered, texts, strict=True)]
        gathered.clear()
        self._logs.write(place.environment, lines, self._moving.get(place.environment))


def redact_lines(texts: list[str], secrets: tuple[str, ...]) -> list[str]:
    """Mask secrets in many lines at once, which is ten times as fast as one by one."""
    joined = BETWEEN_LINES.join(texts)
    masked = redact(joined, secrets)
    if masked == joined:
        return texts
    parts = masked.split(BETWEEN_LINES)
    return parts if len(parts) == len(texts) else [redact(text, secrets) for text in texts]


def _places(settings: Settings, environment: str) -> tuple[_Place, ...]:
    return tuple(
        _Place(
            EnvironmentName(environment),
            arm.provider,
            arm.target,
            arm.service if arm.arm == ONLY_ARM else f"{arm.service}/{arm.arm}",
        )
        for arm in watched_arms(settings, settings.environments[environment])
        if arm.target
    )
