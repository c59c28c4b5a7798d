"""HAProxy behind the provider contract."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from providers.contract import AccountReport, Action, Capabilities, Desk, Nothing, Reading, Unsupported
from providers.haproxy.checks import CheckReader, Checks
from providers.haproxy.client import HAProxyClient
from providers.haproxy.servers import OneServer, ServerReader, Servers, make_drain, make_state
from providers.haproxy.socket import RuntimeSocket
from providers.haproxy.traffic import EdgeMover, EdgeRouter, Routes
from providers.http import Clock, Limits, ProviderHttp, Sleep, utc_now
from providers.shifting import Shifts

if TYPE_CHECKING:
    from providers.haproxy.settings import HAProxySettings

# The edge is near, and a rollback waits for it: rather ask again soon than wait long.
LIMITS = Limits(connect=1.0, read=3.0, answer=4.0, attempts=3, budget=6.0, first_wait=0.05, longest_wait=0.5)
NO_DEPLOYS = Unsupported(
    "HAProxy is the edge in front of services; it runs none.", "Deploy with the services' platform."
)
NO_PROBES = Unsupported("HAProxy asks its servers itself, not addresses.", "Use a provider of kind web.")
NO_PAGE = Unsupported(
    "HAProxy takes no page over its runtime socket.",
    "Take its servers out with the desk's action `maintenance`: HAProxy then answers 503 with its own errorfile.",
)
NO_RELOAD = Unsupported(
    "A reload is asked of the master process, not of the runtime socket.",
    "Use `systemctl reload haproxy`; weights survive it as docs/haproxy.md says.",
)


@dataclass(frozen=True)
class HAProxyConnection:
    """One open runtime socket."""

    name: str
    capabilities: Capabilities
    client: HAProxyClient = field(repr=False)
    kind: str = "haproxy"
    desk: Desk = field(default_factory=Desk)

    async def close(self) -> None:
        await self.client.close()


class Account:
    """Whether the socket answers, and whether its level is enough; HAProxy knows no users."""

    def __init__(self, client: HAProxyClient, address: str) -> None:
        self._client = client
        self._address = address

    async def fetch_account(self) -> AccountReport:
        process, level = await self._client.fetch_process()
        left = process.most_connections - process.connections
        return AccountReport(
            identity=f"HAProxy {process.version} at {self._address}, process {process.pid}, up {process.uptime_s} s",
            scopes=(f"level {level}",),
            missing_scopes=() if level == "admin" else ("level admin",),
            limits={"connections": f"{left} of {process.most_connections} left"},
        )


def open_connection(
    name: str,
    settings: HAProxySettings,
    *,
    clock: Clock = utc_now,
    sleep: Sleep = asyncio.sleep,
    transport: httpx.AsyncBaseTransport | None = None,
) -> HAProxyConnection:
    """Open without asking HAProxy anything."""
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
    routes = Routes(client, settings)
    router = EdgeRouter(client, routes)
    capabilities = Capabilities(
        account=Account(client, settings.socket),
        router=router,
        counters=router,
        underway=router,
        shift_traffic=Shifts(EdgeMover(client, routes, settings.state_file), "HAProxy", "backend"),
        maintain=NO_PAGE,
        pages=NO_PAGE,
        deploy=NO_DEPLOYS,
        cancel=NO_DEPLOYS,
        promote=NO_DEPLOYS,
        roll_back=NO_DEPLOYS,
        inventory=NO_DEPLOYS,
        probes=NO_PROBES,
    )
    return HAProxyConnection(name, capabilities, client, desk=_build_desk(client, routes, settings))


def _build_desk(client: HAProxyClient, routes: Routes, settings: HAProxySettings) -> Desk:
    reader = ServerReader(client)
    return Desk(
        readings={
            "servers": Reading("Servers: state, weights, sessions, counts.", Servers, reader.fetch_servers),
            "process": Reading("HAProxy itself: version, uptime, connections.", Nothing, reader.fetch_process),
            "checks": Reading(
                "What would lose requests or weights, or keep a release from being judged.",
                Checks,
                CheckReader(client, routes, settings).fetch_checks,
            ),
        },
        actions={
            "drain": Action(
                "Give a server no new visitors, and wait until none is left.", OneServer, make_drain(client), True
            ),
            "maintenance": Action(
                "Take a server out at once.", OneServer, make_state(client, "maint", "in maintenance"), True
            ),
            "ready": Action(
                "Put a server back; without weight it gets requests from the next shift on.",
                OneServer,
                make_state(client, "ready", "ready"),
            ),
            "reload": NO_RELOAD,
        },
    )
