"""Issues that users report, behind the provider contract: they are only counted."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from providers.http import Clock, Limits, ProviderHttp, Sleep, utc_now
from providers.opened import Opened

if TYPE_CHECKING:
    import httpx

    from providers.contract import Capabilities
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
        return Opened(name, "reports", None, lambda: _from_file(name, Path(settings.file), clock))
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
    return Opened(name, "reports", http, lambda: _from_sentry(http, settings.organization))


def _from_file(name: str, file: Path, clock: Clock) -> Capabilities:
    from providers.contract import Capabilities
    from providers.reports.lines import FileReports

    reports = FileReports(name, file, clock)
    return Capabilities(account=reports, reports=reports)


def _from_sentry(http: ProviderHttp, organization: str) -> Capabilities:
    from providers.contract import Capabilities
    from providers.reports.sentry import SentryReports

    reports = SentryReports(http, organization)
    return Capabilities(account=reports, reports=reports)
