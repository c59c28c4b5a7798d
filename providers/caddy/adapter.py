"""Caddy behind the provider contract."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from providers.caddy.client import CaddyClient
from providers.caddy.holding import HoldingPages, make_holding
from providers.caddy.traffic import EdgeMover, EdgeRouter, Routes
from providers.contract import AccountReport, Capabilities, Desk, Unsupported
from providers.http import Clock, Limits, ProviderHttp, Sleep, utc_now
from providers.shifting import Shifts

if TYPE_CHECKING:
    from providers.caddy.settings import CaddySettings

# The edge is near, and a rollback waits for it: rather ask again soon than wait long.
LIMITS = Limits(connect=1.0, read=3.0, answer=4.0, attempts=3, budget=6.0, first_wait=0.05, longest_wait=0.5)
SOCKET = "unix:"
NO_DEPLOYS = Unsupported("Caddy is the edge in front of services; it runs none.", "Deploy with the services' platform.")
NO_PROBES = Unsupported("Caddy is asked about routes, not addresses.", "Use a provider of kind web.")


@dataclass(frozen=True)
class CaddyConnection:
    """One open admin API."""

    name: str
    capabilities: Capabilities
    client: CaddyClient = field(repr=False)
    kind: str = "caddy"
    desk: Desk = field(default_factory=Desk)

    async def close(self) -> None:
        await self.client.close()


class Account:
    """Whether the admin API answers; Caddy knows no users."""

    def __init__(self, client: CaddyClient, address: str) -> None:
        self._client = client
        self._address = address

    async def fetch_account(self) -> AccountReport:
        await self._client.fetch_admin()
        return AccountReport(identity=f"admin API at {self._address}", clock_skew=self._client.admin.skew)


def open_connection(
    name: str,
    settings: CaddySettings,
    *,
    clock: Clock = utc_now,
    sleep: Sleep = asyncio.sleep,
    transport: httpx.AsyncBaseTransport | None = None,
) -> CaddyConnection:
    """Open without asking Caddy anything."""
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
    client = CaddyClient(admin, admin if counts_itself else build_http(settings.metrics_url))
    routes = Routes(name, settings.routes)
    router = EdgeRouter(client, routes)
    return CaddyConnection(
        name,
        Capabilities(
            account=Account(client, settings.admin_url),
            router=router,
            counters=router,
            underway=router,
            shift_traffic=Shifts(EdgeMover(client, routes), "Caddy", "route"),
            pages=HoldingPages(client),
            maintain=make_holding(client),
            deploy=NO_DEPLOYS,
            cancel=NO_DEPLOYS,
            promote=NO_DEPLOYS,
            roll_back=NO_DEPLOYS,
            inventory=NO_DEPLOYS,
            probes=NO_PROBES,
        ),
        client,
    )


def _way_to(url: str) -> httpx.AsyncBaseTransport:
    """Never through a proxy of the environment, since the edge is ours. Certificates are loaded where there is TLS."""
    if url.startswith(SOCKET):
        path = url.removeprefix(SOCKET)
        return httpx.AsyncHTTPTransport(uds=path.removeprefix("//"), verify=False)
    return httpx.AsyncHTTPTransport(verify=url.startswith("https:"))
