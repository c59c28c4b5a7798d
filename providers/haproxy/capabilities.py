"""What HAProxy does for a deployment, and what it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.contract import AccountReport, Capabilities, Unsupported
from providers.haproxy.traffic import EdgeMover, EdgeRouter, Routes
from providers.shifting import Shifts

if TYPE_CHECKING:
    from providers.haproxy.client import HAProxyClient
    from providers.haproxy.settings import HAProxySettings

NO_DEPLOYS = Unsupported(
    "HAProxy is the edge in front of services; it runs none.", "Deploy with the services' platform."
)
NO_PROBES = Unsupported("HAProxy asks its servers itself, not addresses.", "Use a provider of kind web.")
NO_PAGE = Unsupported(
    "HAProxy takes no page over its runtime socket.",
    "Take its servers out with the desk's action `maintenance`: HAProxy then answers 503 with its own errorfile.",
)


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


def build_capabilities(client: HAProxyClient, settings: HAProxySettings) -> Capabilities:
    """Everything by role."""
    routes = Routes(client, settings)
    router = EdgeRouter(client, routes)
    return Capabilities(
        account=Account(client, settings.socket),
        router=router,
        counters=router,
        underway=router,
        shift_traffic=Shifts(EdgeMover(client, routes, settings.state_file), "HAProxy", "backend"),
        maintain=NO_PAGE,
        pages=NO_PAGE,
        inventory=NO_DEPLOYS,
        probes=NO_PROBES,
    ).without_deploys(NO_DEPLOYS)
