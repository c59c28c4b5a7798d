"""Vercel behind the provider contract."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from providers.http import Clock, ProviderHttp, Sleep, utc_now
from providers.opened import Opened
from providers.vercel.client import VercelClient, team_scope
from providers.vercel.limits import limit_class

if TYPE_CHECKING:
    import httpx

    from providers.contract import Capabilities, Desk
    from providers.vercel.settings import VercelSettings


def open_connection(
    name: str,
    settings: VercelSettings,
    *,
    clock: Clock = utc_now,
    sleep: Sleep = asyncio.sleep,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Opened:
    """Open one account or team without asking Vercel anything; a bad token shows at the first call."""
    token = settings.token.get_secret_value()
    http = ProviderHttp(
        name,
        settings.base_url,
        platform="Vercel",
        headers={"authorization": f"Bearer {token}"},
        params=team_scope(settings.team),
        limit_class=limit_class,
        clock=clock,
        sleep=sleep,
        transport=transport,
    )
    client = VercelClient(http)

    def make_capabilities() -> Capabilities:
        from providers.vercel.capabilities import build_capabilities

        return build_capabilities(client, settings.team, settings.url_scheme)

    def make_desk() -> Desk:
        from providers.vercel.desk import build_desk

        return build_desk(client, settings.url_scheme)

    return Opened(name, "vercel", http, make_capabilities, make_desk)
