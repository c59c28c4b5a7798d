"""What Vercel does for a deployment, and what it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers import contract
from providers.contract import Capabilities, Unsupported
from providers.vercel.aliases import make_promote, make_roll_back
from providers.vercel.deploys import Deploys, make_cancel
from providers.vercel.naming import Names
from providers.vercel.power import make_auto_deploy, power
from providers.vercel.readings import Account, Inventory, Logs
from providers.vercel.shelf import Shelf
from providers.vercel.variables import Variables

if TYPE_CHECKING:
    from providers.vercel.client import VercelClient

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


def build_capabilities(client: VercelClient, team: str, url_scheme: str) -> Capabilities:
    """Everything by role, for an account or its `team`; deployments answer at `url_scheme`."""
    deploys = Deploys(client, url_scheme)
    variables = Variables(client)
    names = Names(client)
    return Capabilities(
        account=Account(client, team),
        inventory=Inventory(client, url_scheme),
        shelf=Shelf(client),
        logs=Logs(client),
        variables=variables,
        deploy=deploys,
        cancel=make_cancel(client, deploys),
        promote=make_promote(client),
        roll_back=make_roll_back(client),
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
    )
