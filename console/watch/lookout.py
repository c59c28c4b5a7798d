"""One environment, looked at again and again: router, probes, platforms' own figures, and what is live."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from console.analysis.counters import Increment, Window, quantile
from console.config.settings import EnvironmentSettings, Settings
from console.domain.clock import Clock
from console.domain.errors import ConsoleError, RateLimited
from console.domain.ids import EnvironmentName, ServiceName
from console.domain.observations import ArmHealth
from console.domain.telemetry import Measurement
from console.watch import metrics
from console.watch.arms import Sighting, WatchedArm, judge_arm, watched_arms
from console.watch.pace import Paces
from providers.contract import (
    ArmCounters,
    Capabilities,
    Connection,
    ProbeRequest,
    ProbeResult,
    ProbeSource,
    Target,
    Unsupported,
)

T = TypeVar("T")

NO_CAPABILITIES = Capabilities()
NO_REQUESTS = Increment()
PROBE_TIMEOUT = timedelta(seconds=2)
PROBES_AT_ONCE = 12
"""More would keep the worker so busy with their connections that healthy services ran into the timeout."""

DATABASE = "database"
LOOK_LIMIT = 5.0
FIRST_LOOK_LIMIT = 2.0


@dataclass
class _ArmMemory:
    """What is remembered of one arm between looks."""

    window: Window = field(default_factory=Window)
    since_shift: Window = field(default_factory=lambda: Window(5.0))
    weight: int | None = None
    probe: ProbeResult | None = None
    failures: int = 0
    target: Target | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    trouble: str = ""
    requests: int = 0
    measured_at: datetime | None = None
    asked_at: datetime | None = None
    is_stale: bool = True
    is_counted: bool = False


class Lookout:
    """Looks at one environment.

    Router and probes are cheap and asked at every look. The platforms' inventory and figures are rate-limited: they are
    asked only when their last answers are old enough, and beside the looks, so that one that hangs delays nothing.
    Where there are more arms than a platform may be asked about at once, those that wait longest come first.

    Args:
        paces: What looking may still take of each platform; shared by all environments.
    """

    def __init__(
        self,
        settings: Settings,
        environment: EnvironmentName,
        connections: Mapping[str, Connection],
        clock: Clock,
        paces: Paces,
    ) -> None:
        self.environment = environment
        self.config: EnvironmentSettings = settings.environments[environment]
        self.arms = watched_arms(settings, self.config)
        self._connections = connections
        self._clock = clock
        self._paces = paces
        self._slow: asyncio.Task[None] | None = None
        self._memory = {(arm.service, arm.arm): _ArmMemory() for arm in self.arms}
        self._prober = _find_prober(connections)
        self._probing = asyncio.Semaphore(PROBES_AT_ONCE)

    async def look(self, platforms_after: float = 0.0) -> None:
        """Ask everybody once, at the same time. A platform that does not answer leaves its figures as they were.

        Args:
            platforms_after: Ask a platform about an arm only when that was last done this many seconds ago.
        """
        now = self._clock.now()
        routes = sorted({(arm.router, arm.route) for arm in self.arms if arm.router})
        asked: list[Awaitable[None]] = [self._ask_router(router, route, now) for router, route in routes]
        asked += [self._ask_probe(arm) for arm in self.arms if arm.health_url and self._prober]
        first = self._slow is None
        self._begin_slow_look(now, platforms_after)
        await asyncio.gather(*asked)
        if first and self._slow is not None:
            await asyncio.wait({self._slow}, timeout=FIRST_LOOK_LIMIT)

    async def close(self) -> None:
        """Let go of what is still being asked."""
        if self._slow is not None:
            self._slow.cancel()
            await asyncio.gather(self._slow, return_exceptions=True)
            self._slow = None

    def forget_platforms(self) -> None:
        """Ask inventory and figures again at the next look, because something was changed there."""
        for memory in self._memory.values():
            memory.is_stale = True

    def health(self) -> tuple[ArmHealth, ...]:
        return tuple(self._health_of(arm) for arm in self.arms)

    def measurements(self) -> tuple[Measurement, ...]:
        """What was seen last as figures to keep; what nobody measured is left out."""
        at = self._clock.now()
        kept: list[Measurement] = []
        for arm in self.health():
            labels = {"service": arm.service, "arm": arm.arm, "release": arm.release}
            figures: dict[str, float | None] = {
                metrics.REQUEST_RATE: arm.request_rate,
                metrics.ERROR_RATE: arm.error_rate,
                metrics.LATENCY_P50: arm.latency_p50,
                metrics.LATENCY_P95: arm.latency_p95,
                metrics.WEIGHT: arm.weight_set,
                metrics.CPU: arm.cpu,
                metrics.MEMORY: arm.memory,
            }
            kept += [
                Measurement(at, self.environment, name, float(value), labels)
                for name, value in figures.items()
                if value is not None
            ]
        return tuple(kept)

    def live_release(self, service: str) -> str:
        """What the platform says is live, on the arm with the most traffic; empty when it did not say."""
        places = [arm for arm in self.arms if arm.service == service]
        best = max(places, key=lambda arm: self._memory[arm.service, arm.arm].weight or 0, default=None)
        target = self._memory[best.service, best.arm].target if best else None
        return target.live if target else ""

    def _begin_slow_look(self, now: datetime, after: float) -> None:
        if self._slow is not None and not self._slow.done():
            return
        arms = self._choose(now, after)
        if arms or self._slow is None:
            self._slow = asyncio.create_task(self._ask_platforms(arms), name=f"platforms of {self.environment}")

    def _choose(self, now: datetime, after: float) -> Sequence[WatchedArm]:
        """The arms whose turn it is, as many as the pace of their platforms allows."""
        never = datetime.min.replace(tzinfo=now.tzinfo)

        def asked_at(arm: WatchedArm) -> datetime:
            return self._memory[arm.service, arm.arm].asked_at or never

        def is_due(arm: WatchedArm) -> bool:
            memory = self._memory[arm.service, arm.arm]
            return bool(arm.target) and (memory.is_stale or (now - asked_at(arm)).total_seconds() >= after)

        chosen: list[WatchedArm] = []
        for arm in sorted(filter(is_due, self.arms), key=asked_at):
            if self._paces.of(arm.provider).take(self.environment, asked_at(arm), now):
                memory = self._memory[arm.service, arm.arm]
                memory.asked_at, memory.is_stale = now, False
                chosen.append(arm)
        return chosen

    async def _ask_platforms(self, arms: Sequence[WatchedArm]) -> None:
        await asyncio.gather(*(self._ask_platform(arm) for arm in arms), return_exceptions=True)

    async def _ask_router(self, name: str, route: str, now: datetime) -> None:
        router, source = self._capabilities(name).router, self._capabilities(name).counters
        if isinstance(router, Unsupported):
            return
        weights = await self._quietly(router.fetch_weights(route))
        is_counted = not isinstance(source, Unsupported)
        counters = None if isinstance(source, Unsupported) else await self._quietly(source.fetch_counters(route))
        for arm in self.arms:
            if (arm.router, arm.route) != (name, route):
                continue
            memory = self._memory[arm.service, arm.arm]
            is_silent = counters is None if is_counted else weights is None
            memory.trouble = "the router does not answer" if is_silent else ""
            memory.is_counted = is_counted
            if weights is not None:
                _take_weight(memory, weights.get(arm.arm, 0))
            if counters is not None:
                totals = counters.get(arm.counter) or counters.get(arm.arm) or ArmCounters(0, 0, 0.0)
                memory.requests = totals.requests
                memory.measured_at = now
                memory.window.look(now.timestamp(), totals)
                memory.since_shift.look(now.timestamp(), totals)

    async def _ask_probe(self, arm: WatchedArm) -> None:
        memory = self._memory[arm.service, arm.arm]
        if self._prober is None or (memory.target is not None and memory.target.suspended):
            memory.probe, memory.failures = None, 0
            return
        async with self._probing:
            memory.probe = await self._prober.probe(ProbeRequest(arm.health_url, timeout=PROBE_TIMEOUT))
        memory.failures = 0 if memory.probe.ok else memory.failures + 1
        memory.measured_at = self._clock.now()

    async def _ask_platform(self, arm: WatchedArm) -> None:
        memory = self._memory[arm.service, arm.arm]
        capabilities = self._capabilities(arm.provider)
        if not isinstance(capabilities.inventory, Unsupported):
            memory.target = (
                await self._quietly(capabilities.inventory.fetch_target(arm.target), arm.provider) or memory.target
            )
        if not isinstance(capabilities.metrics, Unsupported):
            found: Sequence[Measurement] | None = await self._quietly(
                capabilities.metrics.fetch_metrics(arm.target), arm.provider
            )
            if found is not None:
                memory.figures = {item.name: item.value for item in found}

    async def _quietly(self, call: Awaitable[T], provider: str = "") -> T | None:
        """None when the platform did not answer: looking must never disturb anything."""
        try:
            return await asyncio.wait_for(call, LOOK_LIMIT)
        except RateLimited as refusal:
            self._paces.of(provider).hold(self._clock.now(), refusal.retry_after)
        except (ConsoleError, TimeoutError):
            pass
        return None

    def _capabilities(self, provider: str) -> Capabilities:
        connection = self._connections.get(provider)
        return connection.capabilities if connection else NO_CAPABILITIES

    def _health_of(self, arm: WatchedArm) -> ArmHealth:
        memory = self._memory[arm.service, arm.arm]
        target, total = memory.target, memory.window.total if arm.router else NO_REQUESTS
        error_rate = total.errors / total.requests if total.requests else None
        health, reason = judge_arm(
            Sighting(
                suspended=bool(target and target.suspended),
                probe=memory.probe,
                failures=memory.failures,
                requests=total.requests,
                error_rate=error_rate,
                is_live=target is not None and _serves(target),
                is_ill=target is not None and _is_ill(target),
                word=target.detail if target else "",
                serves=not arm.router or bool(memory.weight),
                figures=memory.figures,
                trouble=memory.trouble,
            )
        )
        p50, p95 = quantile(total.buckets, 0.5), quantile(total.buckets, 0.95)
        figures = memory.figures
        return ArmHealth(
            service=ServiceName(arm.service),
            arm=arm.arm,
            health=health,
            reason=reason,
            release=target.live if target else "",
            weight=self._actual_weight(arm),
            weight_set=memory.weight,
            requests=memory.requests if arm.router and memory.is_counted else None,
            request_rate=memory.window.request_rate if memory.is_counted else figures.get(metrics.REQUEST_RATE),
            error_rate=error_rate if memory.is_counted else figures.get(metrics.ERROR_RATE),
            latency_p50=figures.get(metrics.LATENCY_P50) if p50 is None else p50 * 1000,
            latency_p95=figures.get(metrics.LATENCY_P95) if p95 is None else p95 * 1000,
            cpu=figures.get(metrics.CPU),
            memory=figures.get(metrics.MEMORY),
            instances=_instances(target, figures),
            measured_at=memory.measured_at,
        )

    def _actual_weight(self, arm: WatchedArm) -> int | None:
        """The arm's part of the requests counted since the weights were last changed, whole percent."""
        if not arm.router:
            return None
        beside = [
            other for other in self.arms if other.router and (other.router, other.route) == (arm.router, arm.route)
        ]
        requests = {o.arm: self._memory[o.service, o.arm].since_shift.total.requests for o in beside}
        total = sum(requests.values())
        return round(100 * requests[arm.arm] / total) if total and arm.arm in requests else None


def _serves(target: Target) -> bool:
    """Whether the platform says so itself: by what is live there, or, for a database, by its status in words."""
    words = target.detail.upper()
    return bool(target.live) or ("HEALTHY" in words and "UNHEALTHY" not in words)


def _is_ill(target: Target) -> bool:
    """Of a database, whatever its platform does not call healthy."""
    return target.kind == DATABASE and bool(target.detail) and not _serves(target)


def _instances(target: Target | None, figures: Mapping[str, float]) -> int | None:
    if target is not None and target.instances is not None:
        return target.instances
    return round(figures[metrics.INSTANCES]) if metrics.INSTANCES in figures else None


def _take_weight(memory: _ArmMemory, weight: int) -> None:
    if memory.weight != weight:
        memory.since_shift = Window(5.0)
    memory.weight = weight


def _find_prober(connections: Mapping[str, Connection]) -> ProbeSource | None:
    sources = (connection.capabilities.probes for connection in connections.values())
    return next((source for source in sources if not isinstance(source, Unsupported)), None)
