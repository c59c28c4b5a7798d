"""Issues that users report, behind the provider contract: they are only counted."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from providers.contract import Capabilities
from providers.http import Clock, Limits, ProviderHttp, Sleep, utc_now
from providers.opened import Opened
from providers.reports.lines import FileReports
from providers.reports.sentry import SentryReports

if TYPE_CHECKING:
    import httpx

    from providers.reports.settings import ReportsSettings

LIMITS = Limits(connect=3.0, read=10.0, answer=15.0, attempts=3, budget=12.0)


def open_connection(
    name: str,
    settings: ReportsSettings,
    *,
    clock: Clock = utc_now,
    sleep: Sleep = asyncio.sleep,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Opened:
    """Open without asking anything, or reading the file."""
    if settings.file:
        reports = FileReports(name, Path(settings.file), clock)
        return Opened(name, "reports", None, lambda: Capabilities(account=reports, reports=reports))
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
    return Opened(name, "reports", http, lambda: Capabilities(account=sentry, reports=sentry))
