"""Fetch the platforms' logs while somebody reads them or a deployment moves there, and keep them in our own files."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from console.config.settings import Settings
from console.domain.clock import Clock
from console.domain.errors import ConsoleError, RateLimited
from console.domain.ids import DeploymentId, EnvironmentName
from console.domain.telemetry import LogLine
from console.server.heard import Heard
from console.server.shares import CAUTIOUS, READINGS, share_of
from console.server.turns import Rank, Turns
from console.storage.ledger import Ledger, Wake
from console.storage.logs import LogStore
from console.watch.arms import ONLY_ARM, watched_arms
from providers.contract import Connection, LogSource, Unsupported
from providers.redaction import redact
from providers.tail import OVERLAP

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.05
COMMITS_GATHER_SECONDS = 0.2
"""Commits come in flocks, a rollback's above all: one look at the locks serves a flock, and is not in its way."""

MOST_GATHERED = 2_000
TICK_SECONDS = 1.0
BETWEEN_LINES = "\n;\n"  # no secret's shape reaches across a semicolon


@dataclass(frozen=True)
class _Place:
    """One platform's log of one arm, and the name under which its lines are kept."""

    environment: EnvironmentName
    provider: str
    target: str
    source: str


class _Logs:
    """The logs of one connection, and whose turn it is there."""

    def __init__(self, source: LogSource, kind: str, arms: int) -> None:
        self.source = source
        self.reading = READINGS.get(kind, CAUTIOUS)
        self.turns: Turns[_Place] = Turns(self.reading, share_of(kind, arms))


class LogTail:
    """Reads what is wanted, within the platforms' limits, and lets go of the rest. `Turns` decides whose turn it is."""

    def __init__(
        self,
        settings: Settings,
        connections: Mapping[str, Connection],
        ledger: Ledger,
        logs: LogStore,
        clock: Clock,
        secrets: Iterable[str] = (),
    ) -> None:
        self._ledger = ledger
        self._logs = logs
        self._clock = clock
        self._secrets = tuple(secrets)
        self._places = {EnvironmentName(name): _places(settings, name) for name in settings.environments}
        arms = Counter(place.provider for places in self._places.values() for place in places)
        self._logs_of = {
            name: _Logs(connection.capabilities.logs, connection.kind, arms[name])
            for name, connection in connections.items()
            if name in arms and not isinstance(connection.capabilities.logs, Unsupported)
        }
        self._watchers: Counter[EnvironmentName] = Counter()
        self._readers_of_all = 0
        self._moving: dict[EnvironmentName, DeploymentId] = {}
        self._heard: dict[_Place, Heard] = {}
        self._followed: dict[_Place, asyncio.Task[None]] = {}
        self._looks: dict[_Place, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()
        self._wanted = asyncio.Event()
        self._background: list[asyncio.Task[None]] = []
        self._unsubscribe: Callable[[], None] = lambda: None

    async def start(self) -> None:
        self._unsubscribe = self._ledger.subscribe(self._on_wake)
        await self._update()
        self._background = [
            asyncio.create_task(self._keep_updated(), name="tailing"),
            asyncio.create_task(self._keep_turning(), name="turns of logs"),
        ]

    async def stop(self) -> None:
        self._unsubscribe()
        ending = [*self._background, *self._followed.values(), *self._looks.values()]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        self._logs_of.clear()
        for kept in (self._heard, self._followed, self._looks):
            kept.clear()

    @contextmanager
    def reading(self, environment: EnvironmentName | None) -> Iterator[None]:
        """Read an environment's logs, or all of them, while somebody wants to see them."""
        self._count(environment, 1)
        try:
            yield
        finally:
            self._count(environment, -1)

    def _count(self, environment: EnvironmentName | None, change: int) -> None:
        if environment is None:
            self._readers_of_all += change
        else:
            self._watchers[environment] += change
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

    async def _keep_turning(self) -> None:
        while True:
            await self._wanted.wait()
            await self._clock.sleep(TICK_SECONDS)
            self._turn()

    async def _update(self) -> None:
        before = self._moving
        try:
            self._moving = {lock.environment: lock.deployment for lock in await self._ledger.locks()}
        except ConsoleError as problem:
            log.warning("The locks cannot be read: %s", problem.what)
        for environment in self._moving.keys() - before.keys():
            # A log that was silent is asked seldom; begun anew, from where it was, it is asked at once.
            places = self._places.get(environment, ())
            for place in places:
                _cancel(self._followed, place)
            for logs in self._logs_of.values():
                logs.turns.hurry(places)
        self._reconsider()

    def _rank(self, environment: EnvironmentName) -> Rank | None:
        """Why an environment's logs are read; None where nobody wants them."""
        if environment in self._moving:
            return Rank.MOVES
        if self._watchers[environment] > 0:
            return Rank.WATCHED
        return Rank.WITH_ALL if self._readers_of_all > 0 else None

    def _reconsider(self) -> None:
        now = self._clock.now()
        wanted: dict[str, dict[_Place, Rank]] = {name: {} for name in self._logs_of}
        for environment, places in self._places.items():
            rank = self._rank(environment)
            for place in places if rank is not None else ():
                if place.provider in wanted and rank is not None:
                    wanted[place.provider][place] = rank
                    self._heard.setdefault(place, Heard(now))
        for place in [place for place in self._heard if place not in wanted[place.provider]]:
            del self._heard[place]
            _cancel(self._followed, place)
            _cancel(self._looks, place)
        for name, ranks in wanted.items():
            self._logs_of[name].turns.want(ranks)
        if self._heard:
            self._wanted.set()
        else:
            self._wanted.clear()
        self._turn()

    def _turn(self) -> None:
        """Do what is to be done now, for every connection."""
        now = self._clock.now()
        for logs in self._logs_of.values():
            decision = logs.turns.decide(now)
            for place in decision.end:
                _cancel(self._followed, place)
            for place in decision.follow:
                self._followed[place] = asyncio.create_task(self._follow(place, logs), name=f"log {place.source}")
            for place in decision.look:
                self._looks[place] = asyncio.create_task(self._look(place, logs), name=f"look at {place.source}")

    async def _follow(self, place: _Place, logs: _Logs) -> None:
        heard = self._heard[place]
        gathered: list[LogLine] = []
        try:
            async for line in logs.source.follow_logs(place.target, heard.begin()):
                if not heard.fresh(line):
                    continue
                if not gathered:
                    asyncio.get_running_loop().call_later(GATHER_SECONDS, self._write, place, gathered)
                    logs.turns.heard(place, self._clock.now())
                gathered.append(line)
                if len(gathered) >= MOST_GATHERED:
                    self._write(place, gathered)
                    await asyncio.sleep(0)
        except ConsoleError as problem:
            self._say(place, logs, problem)
        except Exception:
            log.exception("Following the log of %s failed; it is tried again.", place.source)
        finally:
            self._write(place, gathered)
        self._followed.pop(place, None)
        logs.turns.ended(place, self._clock.now())

    async def _look(self, place: _Place, logs: _Logs) -> None:
        heard = self._heard[place]
        lines: Sequence[LogLine] = ()
        fresh = 0
        try:
            until = self._clock.now() + OVERLAP
            lines = await logs.source.fetch_logs(place.target, heard.begin(), until, logs.reading.lines)
            for begin in range(0, len(lines), MOST_GATHERED):
                new = [line for line in lines[begin : begin + MOST_GATHERED] if heard.fresh(line)]
                fresh += len(new)
                self._write(place, new)
                await asyncio.sleep(0)
            heard.is_behind = len(lines) >= logs.reading.lines
        except ConsoleError as problem:
            self._say(place, logs, problem)
        except Exception:
            log.exception("Looking at the log of %s failed; it is tried again.", place.source)
        self._looks.pop(place, None)
        logs.turns.looked(place, len(lines), fresh, self._clock.now())

    def _say(self, place: _Place, logs: _Logs, problem: ConsoleError) -> None:
        log.info("The log of %s cannot be read: %s", place.source, problem.what)
        if isinstance(problem, RateLimited):
            logs.turns.hold(self._clock.now(), problem.retry_after)

    def _write(self, place: _Place, gathered: list[LogLine]) -> None:
        """Keep the lines gathered so far under the deployment that moves, or as live ones."""
        if not gathered:
            return
        texts = redact_lines([line.text for line in gathered], self._secrets)
        lines = [replace(line, source=place.source, text=text) for line, text in zip(gathered, texts, strict=True)]
        gathered.clear()
        self._logs.write(place.environment, lines, self._moving.get(place.environment))


def _cancel(tasks: dict[_Place, asyncio.Task[None]], place: _Place) -> None:
    if task := tasks.pop(place, None):
        task.cancel()


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
