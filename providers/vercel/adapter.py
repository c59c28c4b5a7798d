"""Vercel behind the provider contract."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import httpx

from providers import contract
from providers.contract import Capabilities, Desk, Unsupported
from providers.http import Clock, ProviderHttp, Sleep, utc_now
from providers.vercel.aliases import Aliases
from providers.vercel.client import VercelClient, team_scope
from providers.vercel.deploys import Deploys, make_cancel
from providers.vercel.limits import limit_class
from providers.vercel.naming import Names
from providers.vercel.power import make_auto_deploy, power
from providers.vercel.readings import Account, Inventory, Logs
from providers.vercel.shelf import Shelf
from providers.vercel.variables import Variables

if TYPE_CHECKING:
    from providers.vercel.settings import VercelSettings

NO_TRAFFIC = Unsupported(
    "Vercel divides visitors by stages that are fixed beforehand, not requests by weights.",
    "Configure a rolling release at the desk, or put an edge before the project.",
)
NO_PAGE = Unsupported(
    "Vercel has no maintenance page: a paused project answers 503 DEPLOYMENT_PAUSED, with no page of yours.",
    "Put an edge before the project and name its route as `page`, or use the desk's action that pauses a project.",
)
NO_METRICS = Unsupported(
    "Vercel tells figures through a paid add-on only, and says in no document what it answers.",
    "Ask the desk for `analytics`, or use a provider of kind web to probe the site.",
)
NO_INSTANCES = Unsupported("Vercel starts functions when they are asked for.", "Deploy the release again.")
NO_DATABASE = Unsupported("Vercel runs no migrations.", "Use a provider of kind supabase for the database.")
NO_SOURCE = Unsupported("Vercel holds no source code.", "Use a provider of kind github.")


@dataclass(frozen=True)
class VercelConnection:
    """One open account or team."""

    name: str
    capabilities: Capabilities
    http: ProviderHttp
    make_desk: Callable[[], Desk] = field(repr=False)
    kind: str = "vercel"

    @cached_property
    def desk(self) -> Desk:
        return self.make_desk()

    async def close(self) -> None:
        await self.http.close()


def open_connection(
    name: str,
    settings: VercelSettings,
    *,
    clock: Clock = utc_now,
    sleep: Sleep = asyncio.sleep,
    transport: httpx.AsyncBaseTransport | None = None,
) -> VercelConnection:
    """Open without asking Vercel anything; a bad token shows at the first call."""
    token = settings.token.get_secret_value()
    http = ProviderHttp(
        name,
        settings.base_url,
        platform="Vercel",
        headers={"authorization": f"Bearer {token}"},
        params=team_scope(settings.team),
        limit_class=limit_class,
        clock=clock,
        sleep=sleep,
        transport=transport,
    )
    client = VercelClient(http)
    deploys = Deploys(client, settings.url_scheme)
    variables = Variables(client)
    names = Names(client)
    promote: Aliases[contract.Promote] = Aliases(
        client, "promote", lambda project, request: client.promote(project, request.deployment)
    )
    roll_back: Aliases[contract.RollBack] = Aliases(
        client, "rollback", lambda project, request: client.roll_back(project, request.deployment)
    )

    def make_desk() -> Desk:
        # Some sixty types of requests and answers: a worker that nobody asks for the desk does not make them.
        from providers.vercel.desk import build_desk

        return build_desk(client, deploys, promote)

    return VercelConnection(
        name,
        Capabilities(
            account=Account(client, settings.team),
            inventory=Inventory(client, settings.url_scheme),
            shelf=Shelf(client),
            logs=Logs(client),
            variables=variables,
            deploy=deploys,
            cancel=make_cancel(client, deploys),
            promote=promote,
            roll_back=roll_back,
            set_variables=variables,
            metrics=NO_METRICS,
            maintain=NO_PAGE,
            pages=NO_PAGE,
            suspend=power(client, contract.Suspend, lambda request: request.target, on=False),
            resume=power(client, contract.Resume, lambda request: request.target, on=True),
            restart=NO_INSTANCES,
            scale=NO_INSTANCES,
            auto_deploy=make_auto_deploy(client),
            shift_traffic=NO_TRAFFIC,
            router=NO_TRAFFIC,
            names=names,
            point_name=names.pointing,
            migrate=NO_DATABASE,
            migrate_down=NO_DATABASE,
            migrations=NO_DATABASE,
            releases=NO_SOURCE,
            checks=NO_SOURCE,
            announce=NO_SOURCE,
            probes=Unsupported("Vercel is asked about projects, not their addresses.", "Use a provider of kind web."),
        ),
        http,
        make_desk,
    )
