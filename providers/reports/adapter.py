"""Issues that users report, behind the provider contract: they are only counted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from providers.contract import Capabilities, Desk
from providers.http import Clock, Limits, ProviderHttp, Sleep, utc_now
from providers.reports.lines import FileReports
from providers.reports.sentry import SentryReports

if TYPE_CHECKING:
    from providers.reports.settings import ReportsSettings

LIMITS = Limits(connect=3.0, read=10.0, answer=15.0, attempts=3, budget=12.0)


@dataclass(frozen=True)
class ReportsConnection:
    """`http` is None where reports come from a file."""

    name: str
    capabilities: Capabilities
    http: ProviderHttp | None = field(default=None, repr=False)
    kind: str = "reports"
    desk: Desk = field(default_factory=Desk)

    async def close(self) -> None:
        if self.http is not None:
            await self.http.close()


def open_connection(
    name: str,
    settings: ReportsSettings,
    *,
    clock: Clock = utc_now,
    sleep: Sleep = asyncio.sleep,
    transport: httpx.AsyncBaseTransport | None = None,
) -> ReportsConnection:
    """Open without asking anything, or reading the file."""
    if settings.file:
        reports = FileReports(name, Path(settings.file), clock)
        return ReportsConnection(name, Capabilities(account=reports, reports=reports))
    token = settings.token.get_secret_value() if settings.token else ""
    http = ProviderHttp(
        name,
        settings.base_url.rstrip("/"),
        platform="Sentry",
        headers={"authorization": f"Bearer {token}"},
        limits=LIMITS,
        clock=clock,
        sleep=sleep,
        transport=transport,
    )
    sentry = SentryReports(http, settings.organization)
    return ReportsConnection(name, Capabilities(account=sentry, reports=sentry), http)
