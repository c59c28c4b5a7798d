"""Cloudflare behind the provider contract."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx

from console.domain.errors import Unauthorized
from providers.allowances import Allowance
from providers.cloudflare.client import CloudflareClient
from providers.cloudflare.dns import (
    AddDnsRecord,
    ChangeDnsRecord,
    Dns,
    DnsCalls,
    DnsRecords,
    RemoveDnsRecord,
)
from providers.cloudflare.naming import Names
from providers.cloudflare.readings import BalancerReader, Checks, Health, Servers
from providers.cloudflare.switches import (
    DrainTime,
    OneOrigin,
    OnePool,
    make_drain_time,
    make_origin_switch,
    make_pool_switch,
)
from providers.cloudflare.traffic import NO_COUNTERS, NO_UNDERWAY, EdgeMover, EdgeRouter, Routes
from providers.cloudflare.wire import words_of
from providers.contract import AccountReport, Action, Capabilities, Desk, Reading, Unsupported
from providers.http import Clock, Limits, ProviderHttp, Sleep, utc_now
from providers.shifting import Shifts

if TYPE_CHECKING:
    from providers.cloudflare.settings import CloudflareSettings

LIMITS = Limits(connect=3.0, read=8.0, answer=10.0, attempts=4, budget=10.0)
REQUESTS = Allowance("requests", 1200, timedelta(minutes=5), lambda method, path: 1)
"""For all that one user does, here and elsewhere; beyond it everything is refused for five minutes."""
NO_DEPLOYS = Unsupported("Cloudflare leads visitors here; it runs none of the services.", "Use their own platform.")
NO_PROBES = Unsupported(
    "Cloudflare's monitors ask in their own rhythm, not when asked.",
    "Use a provider of kind web; `health` tells theirs.",
)


@dataclass(frozen=True)
class CloudflareConnection:
    """One open account."""

    name: str
    capabilities: Capabilities
    http: ProviderHttp = field(repr=False)
    kind: str = "cloudflare"
    desk: Desk = field(default_factory=Desk)

    async def close(self) -> None:
        await self.http.close()


class Account:
    def __init__(self, client: CloudflareClient) -> None:
        self._client = client

    async def fetch_account(self) -> AccountReport:
        """That the token is active, and may look. Whether it may write shows only when it does."""
        status = await self._client.fetch_token_status()
        if status != "active":
            raise Unauthorized(
                self._client.http.provider,
                f"Cloudflare says that the token is {status}.",
                "GET /user/tokens/verify",
                "Make a new one, with `Load Balancers Write` and `Load Balancing: Monitors and Pools Write`.",
            )
        may = await self._client.may_read()
        return AccountReport(
            identity="an active token",
            scopes=tuple(name for name, is_there in may.items() if is_there),
            missing_scopes=tuple(name for name, is_there in may.items() if not is_there),
            limits=self._client.http.describe_limits(),
            clock_skew=self._client.http.skew,
        )


def open_connection(
    name: str,
    settings: CloudflareSettings,
    *,
    clock: Clock = utc_now,
    sleep: Sleep = asyncio.sleep,
    transport: httpx.AsyncBaseTransport | None = None,
) -> CloudflareConnection:
    """Open without asking Cloudflare anything."""
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
    routes, records = Routes(client, settings.routes), DnsCalls(client)
    names = Names(records)
    capabilities = Capabilities(
        account=Account(client),
        router=EdgeRouter(client, routes),
        counters=NO_COUNTERS,
        underway=NO_UNDERWAY,
        shift_traffic=Shifts(EdgeMover(client, routes), "Cloudflare", "load balancer"),
        names=names,
        point_name=names.pointing,
        deploy=NO_DEPLOYS,
        cancel=NO_DEPLOYS,
        promote=NO_DEPLOYS,
        roll_back=NO_DEPLOYS,
        inventory=NO_DEPLOYS,
        probes=NO_PROBES,
        metrics=NO_COUNTERS,
    )
    return CloudflareConnection(name, capabilities, http, desk=_build_desk(client, routes, Dns(records)))


def _build_desk(client: CloudflareClient, routes: Routes, dns: Dns) -> Desk:
    reader = BalancerReader(client, routes)
    return Desk(
        readings={
            "servers": Reading(
                "Load balancers with their pools, origins, weights and health.", Servers, reader.fetch_servers
            ),
            "health": Reading("What Cloudflare's checks say of a pool, by data centre.", Health, reader.fetch_health),
            "checks": Reading("What would upset a rollout here.", Checks, reader.fetch_checks),
            "requests": NO_COUNTERS,
            "dns-records": Reading("What the name servers say of a domain.", DnsRecords, dns.fetch),
        },
        actions={
            "disable-pool": Action("Send nobody to a pool any more.", OnePool, make_pool_switch(client, False), True),
            "enable-pool": Action("Let a pool serve again.", OnePool, make_pool_switch(client, True)),
            "disable-origin": Action(
                "Take an origin out; visitors who stick to it stay for the drain time.",
                OneOrigin,
                make_origin_switch(client, False),
                True,
            ),
            "enable-origin": Action("Let an origin serve again.", OneOrigin, make_origin_switch(client, True)),
            "set-drain-time": Action(
                "Say how long visitors may stay at an origin that went off.", DrainTime, make_drain_time(client)
            ),
            "add-dns-record": Action("Let a name say something more.", AddDnsRecord, dns.adding),
            "change-dns-record": Action("Let a record say something else.", ChangeDnsRecord, dns.changing, True),
            "remove-dns-record": Action("Take a DNS record away.", RemoveDnsRecord, dns.removing, True),
        },
    )
