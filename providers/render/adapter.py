"""Render behind the provider contract."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import httpx

from providers.contract import Capabilities, Desk, Unsupported
from providers.http import Clock, ProviderHttp, Sleep, utc_now
from providers.render.client import RenderClient, limit_class
from providers.render.deploys import DeployReader, Deploys, Rollbacks, make_cancel
from providers.render.maintenance import Pages, make_maintain
from providers.render.power import Resumptions, make_suspend
from providers.render.readings import Account, Inventory, Logs, Metrics
from providers.render.restarts import Restart, make_restart
from providers.render.scaling import Scale, make_scale
from providers.render.services import ServiceReader, make_auto_deploy
from providers.render.shelf import Shelf
from providers.render.troubles import Crashes, Limits
from providers.render.variables import Variables
from providers.translated import Translated

if TYPE_CHECKING:
    from providers.render.settings import RenderSettings
    from providers.render.subscription import Connector, Subscriptions

NO_TRAFFIC = Unsupported(
    "Render divides no traffic between services.", "Put an edge before the services, e.g. a provider of kind caddy."
)
NO_PROMOTE = Unsupported(
    "Render has no deployment that waits for traffic: what it deploys serves on that service's address.",
    "Keep two services, blue and green, and let an edge choose.",
)
NO_DATABASE = Unsupported(
    "Render runs no migrations of a database elsewhere.", "Use a provider of kind supabase for the database."
)
NO_SOURCE = Unsupported("Render holds no source code.", "Use a provider of kind github.")


@dataclass(frozen=True)
class RenderConnection:
    """One open workspace."""

    name: str
    capabilities: Capabilities
    http: ProviderHttp
    client: RenderClient
    owner: str = ""
    kind: str = "render"

    @cached_property
    def desk(self) -> Desk:
        """Loaded when somebody sits down at it: a deployment needs none of it."""
        from providers.render.desk import build_desk

        return build_desk(self.client, self.owner)

    async def close(self) -> None:
        await self.http.close()


def open_connection(
    name: str,
    settings: RenderSettings,
    *,
    clock: Clock = utc_now,
    sleep: Sleep = asyncio.sleep,
    transport: httpx.AsyncBaseTransport | None = None,
    connector: Connector | None = None,
) -> RenderConnection:
    """Open without asking Render anything; a bad token shows at the first call.

    Args:
        connector: Opens WebSockets, for live logs. By default the network's, and none where `transport` stands in for
            the network: logs are then followed by asking for them again and again.
    """
    token = settings.token.get_secret_value()
    http = ProviderHttp(
        name,
        settings.base_url,
        platform="Render",
        headers={"authorization": f"Bearer {token}"},
        limit_class=limit_class,
        clock=clock,
        sleep=sleep,
        transport=transport,
    )
    client = RenderClient(http)

    def live_logs() -> Subscriptions:
        """Loaded when somebody follows a log."""
        from providers.render.subscription import Subscriptions, connect_by_network

        return Subscriptions(http, settings.base_url, token, connector or connect_by_network)

    is_live = connector is not None or transport is None
    reader = DeployReader(client)
    variables, services = Variables(client), ServiceReader(client, settings.owner)
    return RenderConnection(
        name,
        Capabilities(
            account=Account(client, settings.owner),
            inventory=Inventory(client, settings.owner),
            shelf=Shelf(client),
            logs=Logs(client, settings.owner, live_logs if is_live else None),
            metrics=Metrics(client),
            limits=Limits(client),
            crashes=Crashes(client),
            variables=variables,
            pages=Pages(client),
            maintain=make_maintain(services),
            deploy=Deploys(reader),
            cancel=make_cancel(reader),
            roll_back=Rollbacks(reader),
            suspend=make_suspend(client),
            resume=Resumptions(reader),
            restart=Translated(make_restart(client), lambda request: Restart(request.target)),
            scale=Translated(make_scale(services), lambda request: Scale(request.target, request.instances)),
            auto_deploy=make_auto_deploy(services),
            set_variables=variables,
            promote=NO_PROMOTE,
            shift_traffic=NO_TRAFFIC,
            router=NO_TRAFFIC,
            migrate=NO_DATABASE,
            migrate_down=NO_DATABASE,
            migrations=NO_DATABASE,
            releases=NO_SOURCE,
            checks=NO_SOURCE,
            announce=NO_SOURCE,
            probes=Unsupported("Render is asked about services, not their addresses.", "Use a provider of kind web."),
        ),
        http,
        client,
        settings.owner,
    )
