"""Prometheus behind the provider contract: it is only asked, never changed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from providers.http import Clock, Limits, ProviderHttp, Sleep, utc_now
from providers.opened import Opened

if TYPE_CHECKING:
    import httpx

    from providers.contract import Capabilities
    from providers.prometheus.settings import PrometheusSettings

LIMITS = Limits(connect=3.0, read=10.0, answer=12.0, attempts=3, budget=12.0)


def open_connection(
    name: str,
    settings: PrometheusSettings,
    *,
    clock: Clock = utc_now,
    sleep: Sleep = asyncio.sleep,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Opened:
    """Open without asking anything."""
    bearer = {"authorization": f"Bearer {settings.token.get_secret_value()}"} if settings.token else {}
    password = settings.password.get_secret_value() if settings.password else ""
    http = ProviderHttp(
        name,
        settings.base_url.rstrip("/"),
        platform="Prometheus",
        headers={**settings.headers, **bearer},
        auth=(settings.username, password) if settings.username else None,
        limits=LIMITS,
        clock=clock,
        sleep=sleep,
        transport=transport,
    )
    http.guard(settings.headers.values())

    def make_capabilities() -> Capabilities:
        from providers.prometheus.capabilities import build_capabilities

        return build_capabilities(http)

    return Opened(name, "prometheus", http, make_capabilities)
