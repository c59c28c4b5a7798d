"""HTTP probes behind the provider contract."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from providers.http import Clock, utc_now
from providers.opened import Opened
from providers.web.client import WebClient

if TYPE_CHECKING:
    import httpx

    from providers.contract import Capabilities
    from providers.web.settings import WebSettings


def open_connection(
    name: str,
    settings: WebSettings,
    *,
    clock: Clock = utc_now,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Opened:
    """Open kept connections to whatever is asked, without asking anything."""
    client = WebClient(
        headers=settings.headers,
        fresh=settings.fresh_connections,
        verify=settings.verify,
        transport=transport,
    )
    closing = AsyncExitStack()
    closing.push_async_callback(client.close)

    def make_capabilities() -> Capabilities:
        from providers.contract import Capabilities
        from providers.web.probes import Probes

        return Capabilities(probes=Probes(client, clock))

    return Opened(name, "web", None, make_capabilities, closing=closing)
