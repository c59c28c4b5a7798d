"""Render behind the provider contract."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from providers.http import Clock, ProviderHttp, Sleep, utc_now
from providers.opened import Opened
from providers.render.client import RenderClient, limit_class

if TYPE_CHECKING:
    import httpx

    from providers.contract import Capabilities, Desk
    from providers.render.settings import RenderSettings
    from providers.render.subscription import Connector, Subscriptions


def open_connection(
    name: str,
    settings: RenderSettings,
    *,
    clock: Clock = utc_now,
    sleep: Sleep = asyncio.sleep,
    transport: httpx.AsyncBaseTransport | None = None,
    connector: Connector | None = None,
) -> Opened:
    """Open one workspace without asking Render anything; a bad token shows at the first call.

    Args:
        connector: Opens WebSockets, for live logs. By default the network's, and none where `transport` stands in for
            the network: logs are then followed by asking for them again and again.
    """
    token = settings.token.get_secret_value()
    http = ProviderHttp(
        name,
        settings.base_url,
        platform="Render",
        headers={"authorization": f"Bearer {token}"},
        limit_class=limit_class,
        clock=clock,
        sleep=sleep,
        transport=transport,
    )
    client = RenderClient(http)

    def live_logs() -> Subscriptions:
        from providers.render.subscription import Subscriptions, connect_by_network

        return Subscriptions(http, settings.base_url, token, connector or connect_by_network)

    def make_capabilities() -> Capabilities:
        from providers.render.capabilities import build_capabilities

        is_live = connector is not None or transport is None
        return build_capabilities(client, settings.owner, live_logs if is_live else None)

    def make_desk() -> Desk:
        from providers.render.desk import build_desk

        return build_desk(client, settings.owner)

    return Opened(name, "render", http, make_capabilities, make_desk)
