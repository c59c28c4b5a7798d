"""Health of every environment, kept fresh as often as somebody needs it.

An environment in which a deployment runs, or which a client watches, is looked at every second or so, more seldom once
nothing happens there any more; the others twice a minute, so that an idle worker costs next to nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from console.config.settings import Settings
from console.domain.clock import Clock, SystemClock
from console.domain.errors import StoreError, UsageError
from console.domain.events import DeploymentRequested
from console.domain.ids import DeploymentId, EnvironmentName, ServiceName
from console.domain.observations import ArmHealth, DeploymentSummary, EnvironmentStatus, Lock, ServiceStatus
from console.storage.ledger import Ledger, Wake
from console.watch.arms import health_of_service, worst_health
from console.watch.holds import Holds
from console.watch.lookout import Lookout
from console.watch.naming import Names
from console.watch.pace import Paces
from console.watch.pages import PageRecord, page_places
from providers.contract import Connection, TagSource, Unsupported

QUIET_AFTER = 3
"""Looks in a row that saw no request and no change, after which a watched environment is quiet."""
NAMED_FROM = 10
GATHER_SECONDS = 0.2
"""How long commits gather before the record is read for them: they come in flocks, and a look is in their way."""
"""Past deployments of an environment whose releases are known by name."""

log = logging.getLogger(__name__)

Told = Callable[[datetime, EnvironmentName, tuple[ArmHealth, ...]], None]


@dataclass(frozen=True)
class Rhythm:
    """Seconds between two looks: while something moves or somebody watches, while they watch and nothing happens, and
    otherwise.

    `…_platforms` is between two questions to the rate-limited platforms, `keep` between two rows of figures in the
    history.
    """

    busy: float = 1.5
    quiet: float = 10.0
    idle: float = 30.0
    busy_platforms: float = 20.0
    idle_platforms: float = 120.0
    keep: float = 10.0


@dataclass(frozen=True)
class _Query:
    environment: EnvironmentName | None
    status: str = ""
    limit: int = 1
    before: DeploymentId | None = None


class Monitor:
    """Looks at all environments in the background and answers from what it saw last."""

    def __init__(
        self,
        settings: Settings,
        connections: Mapping[str, Connection],
        ledger: Ledger,
        clock: Clock | None = None,
        rhythm: Rhythm | None = None,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._clock = clock or SystemClock()
        self._rhythm = rhythm or Rhythm()
        paces = Paces(connections)
        self._lookouts = {
            EnvironmentName(name): Lookout(settings, EnvironmentName(name), connections, self._clock, paces)
            for name in settings.environments
        }
        self._looked_at: dict[EnvironmentName, datetime] = {}
        self._health: dict[EnvironmentName, tuple[ArmHealth, ...]] = {}
        self._kept_at: dict[EnvironmentName, datetime] = {}
        self._watchers: Counter[EnvironmentName] = Counter()
        self._still: Counter[EnvironmentName] = Counter()
        self._locks: dict[EnvironmentName, Lock] = {}
        self._names = Names(_find_tags(settings, connections), self._clock)
        self._unnamed: set[DeploymentId] = set()
        self._seen: set[DeploymentId] = set()
        self._pages = PageRecord(ledger)
        self._holds = Holds(ledger)
        self._told: list[Told] = []
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] | None = None

    # --- lifecycle -----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to look in the background; a second start changes nothing."""
        if self._task is not None:
            return
        self._unsubscribe = self._ledger.subscribe(self._on_wake)
        await self._read_locks()
        for name in self._lookouts:
            recent = await self._ledger.summaries(_Query(name, limit=NAMED_FROM))
            self._unnamed |= {line.id for line in recent}
        self._seen |= self._unnamed
        self._task = asyncio.create_task(self._run(), name="monitor")

    async def stop(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        for lookout in self._lookouts.values():
            await lookout.close()
        await self._names.close()

    # --- who wants to know ---------------------------------------------------------------------------------------

    def subscribe(self, told: Told) -> Callable[[], None]:
        """Be called after each look that changed something; the result ends it. It must not block or raise."""
        self._told.append(told)

        def end() -> None:
            with suppress(ValueError):
                self._told.remove(told)

        return end

    def watch(self, environment: EnvironmentName) -> Callable[[], None]:
        """Keep an environment fresh while somebody looks at it; the result ends that, once."""
        self._watchers[environment] += 1
        self._still[environment] = 0
        self._changed.set()
        ended = False

        def end() -> None:
            nonlocal ended
            if not ended:
                ended = True
                self._watchers[environment] -= 1

        return end

    async def _learn_names(self) -> None:
        """Learn from the history what people call a commit, so that health speaks of `v1.2` and not of a hash."""
        new, self._unnamed = self._unnamed, set()
        for deployment in new:
            for event in (await self._ledger.events_of(deployment))[:1]:
                if isinstance(event.payload, DeploymentRequested):
                    self._names.learn(event.payload.plan.release)

    def names_of(self, commits: Iterable[str]) -> Mapping[str, str]:
        """What people call each commit, also one that is shortened; itself where nobody has named it."""
        return self._names.names_of(commits)

    # --- answers -------------------------------------------------------------------------------------------------

    async def health(self, environment: EnvironmentName, *, fresh: bool = True) -> tuple[ArmHealth, ...]:
        """Health of every arm there; looks first when the last look is older than an idle moment.

        Raises:
            UsageError: No environment is called so.
        """
        lookout = self._lookout(environment)
        if fresh and self._age(environment) > self._rhythm.busy:
            await self._look(environment)
        return self._named(lookout.health())

    async def environment_statuses(self, environment: EnvironmentName | None = None) -> tuple[EnvironmentStatus, ...]:
        """What is live, how it feels and what moves, of all environments or the one named.

        Raises:
            UsageError: No environment is called so.
        """
        names = [environment] if environment else list(self._lookouts)
        for name in names:
            self._lookout(name)
        await self._read_locks()
        await asyncio.gather(*(self._look(name) for name in names if self._age(name) > self._rhythm.idle))
        return tuple([await self._status(name) for name in names])

    async def _status(self, name: EnvironmentName) -> EnvironmentStatus:
        lookout = self._lookouts[name]
        health = self._named(lookout.health())
        services = tuple(
            self._service_status(lookout, service, [arm for arm in health if arm.service == service])
            for service in lookout.config.services
        )
        latest = await self._ledger.summaries(_Query(name))
        live = Counter(service.release for service in services if service.release)
        return EnvironmentStatus(
            name=name,
            tier=lookout.config.tier.value,
            health=worst_health(service.health for service in services),
            release=live.most_common(1)[0][0] if live else _last_success(latest),
            services=services,
            deployment=latest[0] if latest else None,
            lock=self._locks.get(name),
            hold=await self._holds.fetch(name, latest[0] if latest else None),
            pages=await self._pages.fetch(name, frozenset(p.service for p in page_places(self._settings, name))),
            confirmation=lookout.config.confirmation,
        )

    def _service_status(self, lookout: Lookout, service: str, arms: list[ArmHealth]) -> ServiceStatus:
        health, reason = health_of_service(arms)
        return ServiceStatus(
            name=ServiceName(service),
            provider=self._settings.services[service].provider if service in self._settings.services else "",
            release=self._names.name(lookout.live_release(service)),
            health=health,
            reason=reason,
            weights={arm.arm: arm.weight_set for arm in arms if arm.weight_set is not None},
        )

    # --- the loop ------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            self._changed.clear()  # before reading: what happens from here on ends the next wait at once
            await self._read_record()
            due = [name for name in self._lookouts if self._age(name) >= self._period(name) - 0.05]
            for name, problem in zip(
                due, await asyncio.gather(*(self._look(name) for name in due), return_exceptions=True), strict=True
            ):
                if isinstance(problem, Exception):
                    log.error("Looking at %s failed; it is tried again.", name, exc_info=problem)
                    self._looked_at[name] = self._clock.now()
            await self._wait()

    async def _wait(self) -> None:
        waits = [self._period(name) - self._age(name) for name in self._lookouts]
        pause = max(min(waits, default=self._rhythm.idle), 0.1)
        sleeping = asyncio.ensure_future(self._clock.sleep(pause))
        changing = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait({sleeping, changing}, return_when=asyncio.FIRST_COMPLETED)
            if changing.done():
                await self._clock.sleep(GATHER_SECONDS)
        finally:
            sleeping.cancel()
            changing.cancel()

    async def _read_record(self) -> None:
        try:
            await self._read_locks()
            await self._learn_names()
        except StoreError as problem:
            log.warning("The record cannot be read now: %s", problem.what)

    async def _look(self, name: EnvironmentName) -> None:
        lookout = self._lookouts[name]
        is_busy = self._period(name) == self._rhythm.busy
        await lookout.look(self._rhythm.busy_platforms if is_busy else self._rhythm.idle_platforms)
        now = self._clock.now()
        self._looked_at[name] = now
        health = lookout.health()
        await self._names.look_up({arm.release for arm in health})
        before = self._health.get(name, ())
        self._health[name] = health
        self._still[name] = self._still[name] + 1 if list(map(_moving, before)) == list(map(_moving, health)) else 0
        if before != health:
            for told in tuple(self._told):
                told(now, name, self._named(health))
        kept_at = self._kept_at.get(name)
        if kept_at is None or (now - kept_at).total_seconds() >= self._rhythm.keep:
            self._kept_at[name] = now
            await self._keep(lookout)

    async def _keep(self, lookout: Lookout) -> None:
        try:
            await self._ledger.add_measurements(lookout.measurements())
        except StoreError as problem:
            log.warning("Figures of %s could not be kept: %s", lookout.environment, problem.what)

    async def _read_locks(self) -> None:
        locks = {lock.environment: lock for lock in await self._ledger.locks()}
        for name in set(locks) ^ set(self._locks):
            if name in self._lookouts:
                self._lookouts[name].forget_platforms()
                self._looked_at.pop(name, None)
        self._locks = locks

    def _on_wake(self, wake: Wake) -> None:
        if wake.deployment not in self._seen:
            self._seen.add(wake.deployment)
            self._unnamed.add(wake.deployment)
        self._changed.set()

    # --- small answers -------------------------------------------------------------------------------------------

    def _period(self, name: EnvironmentName) -> float:
        if name in self._locks:
            return self._rhythm.busy
        if self._watchers[name] > 0:
            return self._rhythm.quiet if self._still[name] >= QUIET_AFTER else self._rhythm.busy
        return self._rhythm.idle

    def _age(self, name: EnvironmentName) -> float:
        looked_at = self._looked_at.get(name)
        return float("inf") if looked_at is None else (self._clock.now() - looked_at).total_seconds()

    def _lookout(self, name: EnvironmentName) -> Lookout:
        lookout = self._lookouts.get(name)
        if lookout is None:
            known = ", ".join(self._lookouts) or "none"
            raise UsageError(f"No environment is called {name!r}.", "configuration", f"There are: {known}.")
        return lookout

    def _named(self, health: tuple[ArmHealth, ...]) -> tuple[ArmHealth, ...]:
        return tuple(replace(arm, release=self._names.name(arm.release)) for arm in health)


def _moving(arm: ArmHealth) -> tuple[object, ...]:
    """What makes people look closer. The platforms' own figures differ a little at every answer."""
    return (arm.health, arm.release, arm.weight, arm.weight_set, arm.requests, arm.instances)


def _find_tags(settings: Settings, connections: Mapping[str, Connection]) -> TagSource | Unsupported:
    connection = connections.get(settings.source.provider)
    return connection.capabilities.tags if connection else Unsupported("No source is configured.")


def _last_success(latest: tuple[DeploymentSummary, ...]) -> str:
    return latest[0].release if latest and latest[0].status == "succeeded" else ""
