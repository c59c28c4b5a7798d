"""What Render does for a deployment, and what it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.contract import Capabilities, Unsupported
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
    from collections.abc import Callable

    from providers.render.client import RenderClient
    from providers.render.subscription import Subscriptions

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


def build_capabilities(client: RenderClient, owner: str, live_logs: Callable[[], Subscriptions] | None) -> Capabilities:
    """Everything by role.

    Args:
        owner: The workspace; "" for the only one of the token.
        live_logs: Opens the stream of new lines; None to follow logs by asking again and again.
    """
    reader = DeployReader(client)
    variables, services = Variables(client), ServiceReader(client, owner)
    return Capabilities(
        account=Account(client, owner),
        inventory=Inventory(client, owner),
        shelf=Shelf(client),
        logs=Logs(client, owner, live_logs),
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
    )
