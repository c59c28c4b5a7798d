"""What Supabase does for a deployment, and what it cannot."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from providers.contract import Capabilities, Unsupported
from providers.databases import Databases
from providers.migrating import Runs, offer_migrations
from providers.supabase.key_values import KeyValues
from providers.supabase.readings import Account, Inventory, Logs

if TYPE_CHECKING:
    from providers.http import Clock
    from providers.supabase.client import SupabaseClient
    from providers.supabase.stores import Stores

NO_ADDRESS = Unsupported(
    "No address of a Supabase database is configured.",
    "Set database_url of the service in its environment: the management token cannot run migrations.",
)
NO_DEPLOYS = Unsupported(
    "Supabase holds the database; services are deployed elsewhere.", "Deploy with the services' platform."
)


def build_capabilities(
    client: SupabaseClient, databases: Databases, runs: Runs, stores: Stores, clock: Clock
) -> Capabilities:
    """Everything by role.

    Args:
        databases: Those whose addresses are configured.
        runs: The migrations under way. `stores`: the buckets. Whoever opens the connection closes both.
    """
    return replace(
        offer_migrations(databases, runs, clock, NO_ADDRESS),
        account=Account(client, tuple(databases.known)),
        inventory=Inventory(client),
        logs=Logs(client),
        api_keys=KeyValues(client),
        files=stores,
    ).without_deploys(NO_DEPLOYS)
