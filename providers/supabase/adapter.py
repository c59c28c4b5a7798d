"""Supabase behind the provider contract."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import httpx

from console.migrations.patience import Patience
from console.migrations.scripts import Direction
from providers.contract import Capabilities, Desk, Unsupported
from providers.database import Database
from providers.databases import Databases, Figures
from providers.http import Clock, Limits, ProviderHttp, Sleep, utc_now
from providers.migrating import Migrations, Runs
from providers.supabase.client import SupabaseClient
from providers.supabase.key_values import KeyValues
from providers.supabase.readings import Account, Inventory, Logs

if TYPE_CHECKING:
    from providers.supabase.desk import SupabaseDesk
    from providers.supabase.hosts import ProjectHosts
    from providers.supabase.settings import SupabaseSettings

NO_ADDRESS = Unsupported(
    "No address of a Supabase database is configured.",
    "Set database_url of the service in its environment: the management token cannot run migrations.",
)
NO_DEPLOYS = Unsupported(
    "Supabase holds the database; services are deployed elsewhere.", "Deploy with the services' platform."
)
# A piece of six MiB has to get through within one exchange, also over a slow line.
FOR_FILES = Limits(first_read=20.0, read=60.0, answer=120.0, budget=30.0)


@dataclass(frozen=True)
class SupabaseConnection:
    """Open projects of one token. The desk is loaded when somebody asks for it: the engine never does."""

    name: str
    capabilities: Capabilities
    http: ProviderHttp = field(repr=False)
    runs: Runs = field(repr=False)
    open_hosts: Callable[[], ProjectHosts] = field(repr=False)
    kind: str = "supabase"

    @property
    def desk(self) -> Desk:
        return self._desk.table

    @cached_property
    def _desk(self) -> SupabaseDesk:
        from providers.supabase.desk import SupabaseDesk

        return SupabaseDesk(SupabaseClient(self.http), self.open_hosts())

    async def close(self) -> None:
        await self.runs.close()
        if "_desk" in self.__dict__:
            await self._desk.close()
        await self.http.close()


def open_connection(
    name: str,
    settings: SupabaseSettings,
    *,
    clock: Clock = utc_now,
    sleep: Sleep = asyncio.sleep,
    transport: httpx.AsyncBaseTransport | None = None,
    patience: Patience | None = None,
) -> SupabaseConnection:
    """Open without asking Supabase or any database anything."""
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
    databases = Databases(name, known, "Supabase project")
    runs = Runs(name, databases, patience or Patience(), sleep)
    figures = Figures(databases, clock) if known else NO_ADDRESS
    return SupabaseConnection(
        name,
        Capabilities(
            account=Account(client, tuple(known)),
            inventory=Inventory(client),
            logs=Logs(client),
            api_keys=KeyValues(client),
            metrics=figures,
            migrations=figures,
            migrate=Migrations(runs, Direction.UP) if known else NO_ADDRESS,
            migrate_down=Migrations(runs, Direction.DOWN) if known else NO_ADDRESS,
            deploy=NO_DEPLOYS,
            cancel=NO_DEPLOYS,
            promote=NO_DEPLOYS,
            roll_back=NO_DEPLOYS,
        ),
        http,
        runs,
        open_hosts,
    )


def _limit_class(method: str, path: str) -> str:
    """Queries over the logs have a smaller limit of their own."""
    return "logs" if path.endswith("/logs.all") else "management"
