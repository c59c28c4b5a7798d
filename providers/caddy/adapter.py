"""Caddy behind the provider contract."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import httpx

from providers.http import Clock, Limits, ProviderHttp, Sleep, utc_now
from providers.opened import Opened

if TYPE_CHECKING:
    from providers.caddy.settings import CaddySettings
    from providers.contract import Capabilities

# The edge is near, and a rollback waits for it: rather ask again soon than wait long.
LIMITS = Limits(connect=1.0, read=3.0, answer=4.0, attempts=3, budget=6.0, first_wait=0.05, longest_wait=0.5)
SOCKET = "unix:"


def open_connection(
    name: str,
    settings: CaddySettings,
    *,
    clock: Clock = utc_now,
    sleep: Sleep = asyncio.sleep,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Opened:
    """Open one admin API without asking Caddy anything."""
    token = settings.token.get_secret_value()

    def build_http(url: str) -> ProviderHttp:
        return ProviderHttp(
            name,
            "http://127.0.0.1" if url.startswith(SOCKET) else url.rstrip("/"),
            platform="Caddy",
            headers={"authorization": f"Bearer {token}"} if token else {},
            limits=LIMITS,
            clock=clock,
            sleep=sleep,
            transport=transport or _way_to(url),
        )

    admin = build_http(settings.admin_url)
    counts_itself = settings.metrics_url in ("", settings.admin_url)
    metrics = admin if counts_itself else build_http(settings.metrics_url)
    closing = AsyncExitStack()
    if metrics is not admin:
        closing.push_async_callback(metrics.close)

    def make_capabilities() -> Capabilities:
        from providers.caddy.capabilities import build_capabilities
        from providers.caddy.client import CaddyClient
        from providers.caddy.traffic import Routes

        return build_capabilities(CaddyClient(admin, metrics), Routes(name, settings.routes), settings.admin_url)

    return Opened(name, "caddy", admin, make_capabilities, closing=closing)


def _way_to(url: str) -> httpx.AsyncBaseTransport:
    """Never through a proxy of the environment, since the edge is ours. Certificates are loaded where there is TLS."""
    if url.startswith(SOCKET):
        path = url.removeprefix(SOCKET)
        return httpx.AsyncHTTPTransport(uds=path.removeprefix("//"), verify=False)
    return httpx.AsyncHTTPTransport(verify=url.startswith("https:"))
