"""What tells of a service in trouble while it serves: instances that failed, and the limits of its machines."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from console.domain.errors import Rejected
from providers.contract import Crash
from providers.http import segment
from providers.render.client import PAGE, RenderClient, write_time
from providers.render.events import tell
from providers.render.readings import METRICS_WINDOW, bytes_of, cores_of, newest_of
from providers.render.wire import parse_event, parse_page

CRASHED = "server_failed"
UNITS = {"cpu": cores_of, "memory": bytes_of}


class Crashes:
    """`CrashSource`, from Render's events. Its times are Render's own, and so is the beginning of the question."""

    def __init__(self, client: RenderClient) -> None:
        self._client = client

    async def fetch_crashes(self, target: str, since: datetime) -> Sequence[Crash]:
        http = self._client.http
        params = {"type": CRASHED, "startTime": write_time(http.platform_time(since)), "limit": PAGE}
        path = f"/services/{segment(target)}/events"
        page = await http.fetch(path, parse_page("event", parse_event), params)
        found = [(event.at, tell(event)) for event in page.items if event.type == CRASHED]
        return [
            Crash(f"{target} {at.isoformat()} {told.about}", at, told.words or "Render does not say why")
            for at, told in found
            if at is not None and at >= since
        ]


class Limits:
    """`LimitSource`: what all instances of a service may use, by the names of its metrics."""

    def __init__(self, client: RenderClient) -> None:
        self._client = client

    async def fetch_limits(self, target: str) -> Mapping[str, float]:
        found = await asyncio.gather(*(self._fetch(target, name) for name in UNITS))
        return {name: value for name, value in zip(UNITS, found, strict=True) if value}

    async def _fetch(self, target: str, name: str) -> float:
        now = self._client.http.platform_time(self._client.http.clock())
        try:
            series = await self._client.fetch_series(f"{name}-limit", target, now - METRICS_WINDOW, now, {})
        except Rejected:
            return 0.0
        return sum(UNITS[name](value, unit) for _, value, unit in newest_of(series, now))
