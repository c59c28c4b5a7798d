"""Cloudflare behind the provider contract."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from providers.allowances import Allowance
from providers.cloudflare.client import CloudflareClient
from providers.cloudflare.wire import words_of
from providers.http import Clock, Limits, ProviderHttp, Sleep, utc_now
from providers.opened import Opened

if TYPE_CHECKING:
    import httpx

    from providers.cloudflare.settings import CloudflareSettings
    from providers.contract import Capabilities, Desk

LIMITS = Limits(connect=3.0, read=8.0, answer=10.0, attempts=4, budget=10.0)
REQUESTS = Allowance("requests", 1200, timedelta(minutes=5), lambda method, path: 1)
"""For all that one user does, here and elsewhere; beyond it everything is refused for five minutes."""


def open_connection(
    name: str,
    settings: CloudflareSettings,
    *,
    clock: Clock = utc_now,
    sleep: Sleep = asyncio.sleep,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Opened:
    """Open one account without asking Cloudflare anything."""
    http = ProviderHttp(
        name,
        settings.base_url.rstrip("/"),
        platform="Cloudflare",
        headers={"authorization": f"Bearer {settings.token.get_secret_value()}"},
        error_words=words_of,
        limits=LIMITS,
        allowances=(REQUESTS,),
        clock=clock,
        sleep=sleep,
        transport=transport,
    )
    client = CloudflareClient(http, settings.account, settings.zone)

    def make_capabilities() -> Capabilities:
        from providers.cloudflare.capabilities import build_capabilities

        return build_capabilities(client, settings)

    def make_desk() -> Desk:
        from providers.cloudflare.desk import build_desk

        return build_desk(client, settings)

    return Opened(name, "cloudflare", http, make_capabilities, make_desk)
