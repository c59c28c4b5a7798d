"""HAProxy behind the provider contract."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from providers.haproxy.client import HAProxyClient
from providers.haproxy.socket import RuntimeSocket
from providers.http import Clock, Limits, ProviderHttp, Sleep, utc_now
from providers.opened import Opened

if TYPE_CHECKING:
    import httpx

    from providers.contract import Capabilities, Desk
    from providers.haproxy.settings import HAProxySettings

# The edge is near, and a rollback waits for it: rather ask again soon than wait long.
LIMITS = Limits(connect=1.0, read=3.0, answer=4.0, attempts=3, budget=6.0, first_wait=0.05, longest_wait=0.5)


def open_connection(
    name: str,
    settings: HAProxySettings,
    *,
    clock: Clock = utc_now,
    sleep: Sleep = asyncio.sleep,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Opened:
    """Open one runtime socket without asking HAProxy anything."""
    http = ProviderHttp(
        name,
        "http://runtime-socket",
        platform="HAProxy",
        limits=LIMITS,
        clock=clock,
        sleep=sleep,
        transport=transport or RuntimeSocket(settings.socket),
    )
    client = HAProxyClient(http)

    def make_capabilities() -> Capabilities:
        from providers.haproxy.capabilities import build_capabilities

        return build_capabilities(client, settings)

    def make_desk() -> Desk:
        from providers.haproxy.desk import build_desk

        return build_desk(client, settings)

    return Opened(name, "haproxy", http, make_capabilities, make_desk)
