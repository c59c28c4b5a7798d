"""What Cloudflare does for a deployment, and what it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.domain.errors import Unauthorized
from providers.cloudflare.dns import DnsCalls
from providers.cloudflare.naming import Names
from providers.cloudflare.traffic import NO_COUNTERS, NO_UNDERWAY, EdgeMover, EdgeRouter, Routes
from providers.contract import AccountReport, Capabilities, Unsupported
from providers.shifting import Shifts

if TYPE_CHECKING:
    from providers.cloudflare.client import CloudflareClient
    from providers.cloudflare.settings import CloudflareSettings

NO_DEPLOYS = Unsupported("Cloudflare leads visitors here; it runs none of the services.", "Use their own platform.")
NO_PROBES = Unsupported(
    "Cloudflare's monitors ask in their own rhythm, not when asked.",
    "Use a provider of kind web; `health` tells theirs.",
)


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


def build_capabilities(client: CloudflareClient, settings: CloudflareSettings) -> Capabilities:
    """Everything by role."""
    routes, names = Routes(client, settings), Names(DnsCalls(client))
    return Capabilities(
        account=Account(client),
        router=EdgeRouter(client, routes),
        counters=NO_COUNTERS,
        underway=NO_UNDERWAY,
        shift_traffic=Shifts(EdgeMover(client, routes), "Cloudflare", "load balancer"),
        names=names,
        point_name=names.pointing,
        inventory=NO_DEPLOYS,
        probes=NO_PROBES,
        metrics=NO_COUNTERS,
    ).without_deploys(NO_DEPLOYS)
