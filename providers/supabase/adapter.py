"""Supabase behind the provider contract."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from providers.database import Database
from providers.http import Clock, Limits, ProviderHttp, Sleep, utc_now
from providers.opened import Opened
from providers.supabase.client import SupabaseClient

if TYPE_CHECKING:
    import httpx

    from console.migrations.patience import Patience
    from providers.contract import Capabilities, Desk
    from providers.supabase.hosts import ProjectHosts
    from providers.supabase.settings import SupabaseSettings

# A piece of six MiB has to get through within one exchange, also over a slow line.
FOR_FILES = Limits(first_read=20.0, read=60.0, answer=120.0, budget=30.0)


def open_connection(
    name: str,
    settings: SupabaseSettings,
    *,
    clock: Clock = utc_now,
    sleep: Sleep = asyncio.sleep,
    transport: httpx.AsyncBaseTransport | None = None,
    patience: Patience | None = None,
) -> Opened:
    """Open all projects of one token without asking Supabase or any database anything."""
    http = ProviderHttp(
        name,
        # Addresses with the version are as common; the paths here bring their own.
        settings.base_url.rstrip("/").removesuffix("/v1"),
        platform="Supabase",
        headers={"authorization": f"Bearer {settings.token.get_secret_value()}"},
        limit_class=_limit_class,
        clock=clock,
        sleep=sleep,
        transport=transport,
    )
    client = SupabaseClient(http)

    def open_hosts() -> ProjectHosts:
        from providers.supabase.hosts import ProjectHosts, hosts_of

        files = ProviderHttp(
            name,
            "",
            platform="Supabase",
            secrets=(settings.token.get_secret_value(),),
            limit_class=lambda method, path: "project hosts",
            limits=FOR_FILES,
            clock=clock,
            sleep=sleep,
            transport=transport,
        )
        files.incident = lambda: http.incident()
        return ProjectHosts(client, files, hosts_of(settings.base_url))

    known = {ref: Database(name, ref, address.get_secret_value()) for ref, address in settings.databases.items()}
    closing = AsyncExitStack()

    def make_capabilities() -> Capabilities:
        from console.migrations.patience import Patience
        from providers.databases import Databases
        from providers.migrating import Runs
        from providers.supabase.capabilities import build_capabilities
        from providers.supabase.stores import Stores

        databases = Databases(name, known, "Supabase project")
        runs = Runs(name, databases, patience or Patience(), sleep)
        stores = Stores(open_hosts)
        closing.push_async_callback(runs.close)
        closing.push_async_callback(stores.close)
        return build_capabilities(client, databases, runs, stores, clock)

    def make_desk() -> Desk:
        from providers.supabase.desk import SupabaseDesk

        desk = SupabaseDesk(client, open_hosts())
        closing.push_async_callback(desk.close)
        return desk.table

    return Opened(name, "supabase", http, make_capabilities, make_desk, closing)


def _limit_class(method: str, path: str) -> str:
    """Queries over the logs have a smaller limit of their own."""
    return "logs" if path.endswith("/logs.all") else "management"
