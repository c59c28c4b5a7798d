"""What Render says without being changed: services, logs, figures, the account."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from console.domain.errors import Rejected
from console.domain.ids import EnvironmentName
from console.domain.telemetry import LogLine, Measurement
from providers.contract import AccountReport, Target
from providers.render.client import PAGE, RenderClient, write_time
from providers.tail import OVERLAP, Entry, Numbering, follow

if TYPE_CHECKING:
    from providers.render.subscription import Subscriptions
    from providers.render.wire import Series, Service

AT_ONCE = 8
FOLLOW_EVERY_S = 2.0
LINES_A_LOOK = 100 * PAGE
METRICS_WINDOW = timedelta(minutes=5)
RESOLUTION_S = 60
BYTES = {"bytes": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2**10, "mib": 2**20, "gib": 2**30}


class Inventory:
    """Services as targets; what is live is the commit of the deploy whose status is `live`."""

    def __init__(self, client: RenderClient, owner: str) -> None:
        self._client = client
        self._owner = owner

    async def fetch_target(self, target: str) -> Target:
        return await self._describe(await self._client.fetch_service(target))

    async def fetch_targets(self) -> Sequence[Target]:
        services = await self._client.fetch_services(self._owner)
        gate = asyncio.Semaphore(AT_ONCE)

        async def describe(service: Service) -> Target:
            async with gate:
                return await self._describe(service)

        return await asyncio.gather(*map(describe, services))

    async def _describe(self, service: Service) -> Target:
        live = next(iter(await self._client.fetch_deploys(service.id, limit=1, status=("live",))), None)
        return Target(
            id=service.id,
            name=service.name,
            kind=service.type,
            live=live.commit if live else "",
            live_deployment=live.id if live else "",
            url=service.url,
            suspended=service.suspended,
            auto_deploy=service.auto_deploy,
            instances=service.instances,
        )


class Logs:
    """Log lines by range, and live: by subscription, or by looking at the newest range again and again."""

    def __init__(self, client: RenderClient, owner: str, live: Callable[[], Subscriptions] | None = None) -> None:
        self._client = client
        self._owner = owner
        self._live = live

    async def fetch_logs(self, target: str, since: datetime, until: datetime, limit: int = 500) -> Sequence[LogLine]:
        entries = await self._fetch(await self._owner_of(target), target, since, until, limit)
        return Numbering(target).lines(entries)

    async def follow_logs(self, target: str, since: datetime) -> AsyncGenerator[LogLine, None]:
        http = self._client.http
        owner = await self._owner_of(target)

        async def fetch(begin: datetime) -> Sequence[Entry]:
            return await self._fetch(owner, target, begin, http.platform_time(http.clock()) + OVERLAP, LINES_A_LOOK)

        start = http.platform_time(since)
        if self._live is None:
            lines = follow(target, start, fetch, http.sleep, FOLLOW_EVERY_S)
        else:
            from providers.render.livelog import LiveLog

            subscribe = partial(self._live().open, owner, target)
            log = LiveLog(target, start, subscribe, fetch, http.sleep, http.clock, FOLLOW_EVERY_S)
            lines = log.follow()
        async with aclosing(lines):
            async for line in lines:
                yield line

    async def _owner_of(self, target: str) -> str:
        return self._owner or (await self._client.fetch_service(target)).owner

    async def _fetch(self, owner: str, target: str, since: datetime, until: datetime, limit: int) -> list[Entry]:
        """Follow the answer's own next times until there is no more, or they lead nowhere new."""
        start, end = write_time(since), write_time(until)
        found: list[Entry] = []
        while len(found) < limit:
            page = await self._client.fetch_logs(owner, target, start, end, limit - len(found))
            found += page.entries
            following = (page.next_start or start, page.next_end or end)
            if not page.has_more or following == (start, end):
                break
            start, end = following
        return found


class Metrics:
    """The newest complete minute of Render's own figures. A figure that Render does not have is left out."""

    def __init__(self, client: RenderClient) -> None:
        self._client = client

    async def fetch_metrics(self, target: str) -> Sequence[Measurement]:
        figures = await asyncio.gather(
            self._figure(target, "cpu", "cpu", cores_of),
            self._figure(target, "memory", "memory", bytes_of),
            self._figure(target, "http-requests", "request_rate", _a_second, resolutionSeconds=RESOLUTION_S),
            self._figure(target, "http-latency", "latency_p50", _milliseconds, quantile=0.5),
            self._figure(target, "http-latency", "latency_p95", _milliseconds, quantile=0.95),
            self._figure(target, "instance-count", "instances", _as_told),
        )
        return [figure for figure in figures if figure is not None]

    async def _figure(
        self, target: str, metric: str, name: str, convert: Callable[[float, str], float], **extra: Any
    ) -> Measurement | None:
        now = self._client.http.platform_time(self._client.http.clock())
        try:
            series = await self._client.fetch_series(metric, target, now - METRICS_WINDOW, now, extra)
        except Rejected:
            return None
        newest = [(at, convert(value, unit)) for at, value, unit in newest_of(series, now)]
        if not newest:
            return None
        values = [value for _, value in newest]
        combined = max(values) if name.startswith("latency") else sum(values)
        return Measurement(max(at for at, _ in newest), EnvironmentName(""), name, combined, {"service": target})


def newest_of(series: Sequence[Series], now: datetime) -> list[tuple[datetime, float, str]]:
    """The last value of each line, passing over a minute that has not ended where there is an earlier one."""
    found = []
    for line in series:
        ended = [point for point in line.values if point[0] + timedelta(seconds=RESOLUTION_S) <= now]
        for at, value in (ended or line.values)[-1:]:
            found.append((at, value, line.unit))
    return found


def _as_told(value: float, unit: str) -> float:
    return value


def cores_of(value: float, unit: str) -> float:
    return value / 1000 if unit.lower().startswith("milli") else value


def bytes_of(value: float, unit: str) -> float:
    return value * BYTES.get(unit.lower(), 1)


def _a_second(value: float, unit: str) -> float:
    return value / RESOLUTION_S


def _milliseconds(value: float, unit: str) -> float:
    return value * 1000 if unit.lower() in ("s", "seconds") else value


class Account:
    """Who the token is. Render's tokens have no scopes; what they lack is a workspace."""

    def __init__(self, client: RenderClient, owner: str) -> None:
        self._client = client
        self._owner = owner

    async def fetch_account(self) -> AccountReport:
        user = await self._client.fetch_user()
        owners = await self._client.fetch_owners()
        http = self._client.http
        return AccountReport(
            identity=user,
            scopes=tuple(f"{name} ({owner})" for owner, name in owners.items()),
            missing_scopes=(self._owner,) if self._owner and self._owner not in owners else (),
            limits=http.rates.describe(),
            clock_skew=http.skew,
        )
