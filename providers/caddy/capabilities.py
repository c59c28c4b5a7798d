"""What Caddy does for a deployment, and what it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.caddy.holding import HoldingPages, make_holding
from providers.caddy.traffic import EdgeMover, EdgeRouter
from providers.contract import AccountReport, Capabilities, Unsupported
from providers.shifting import Shifts

if TYPE_CHECKING:
    from providers.caddy.client import CaddyClient
    from providers.caddy.traffic import Routes

NO_DEPLOYS = Unsupported("Caddy is the edge in front of services; it runs none.", "Deploy with the services' platform.")
NO_PROBES = Unsupported("Caddy is asked about routes, not addresses.", "Use a provider of kind web.")


class Account:
    """Whether the admin API answers; Caddy knows no users."""

    def __init__(self, client: CaddyClient, address: str) -> None:
        self._client = client
        self._address = address

    async def fetch_account(self) -> AccountReport:
        await self._client.fetch_admin()
        return AccountReport(identity=f"admin API at {self._address}", clock_skew=self._client.admin.skew)


def build_capabilities(client: CaddyClient, routes: Routes, address: str) -> Capabilities:
    """Everything by role; `address` is the admin API's, as it is told."""
    router = EdgeRouter(client, routes)
    return Capabilities(
        account=Account(client, address),
        router=router,
        counters=router,
        underway=router,
        shift_traffic=Shifts(EdgeMover(client, routes), "Caddy", "route"),
        pages=HoldingPages(client),
        maintain=make_holding(client),
        inventory=NO_DEPLOYS,
        probes=NO_PROBES,
    ).without_deploys(NO_DEPLOYS)
