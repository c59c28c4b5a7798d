"""What a database on a server of one's own does for a deployment, and what it cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from console.domain.errors import ProviderError, Unreachable
from providers.contract import AccountReport, Capabilities, Target, Unsupported
from providers.databases import Databases
from providers.migrating import Runs, offer_migrations

if TYPE_CHECKING:
    from providers.database import Database
    from providers.http import Clock

NO_ADDRESS = Unsupported(
    "No address of a database is configured.",
    "Set database_url of the service in its environment: a reference to a postgresql:// address.",
)
NO_DEPLOYS = Unsupported("This is a database; services are deployed elsewhere.", "Deploy with the services' platform.")
_ABOUT = """
select current_user::text, current_setting('server_version'), pg_is_in_recovery(),
       current_setting('default_transaction_read_only') = 'on'
"""


class Account:
    """Who logs in to each database; one that refuses the log-in, or does not answer, is what is missing."""

    def __init__(self, databases: Databases) -> None:
        self._known = databases.known

    async def fetch_account(self) -> AccountReport:
        """Raises Unauthorized or Unreachable only where no database lets us in."""
        told = await asyncio.gather(*map(_ask, self._known.values()))
        problems = {ref: one for ref, one in zip(self._known, told, strict=True) if isinstance(one, ProviderError)}
        if problems and len(problems) == len(self._known):
            raise next(iter(problems.values()))
        roles = [f"{one[0]} at {ref}" for ref, one in zip(self._known, told, strict=True) if isinstance(one, tuple)]
        return AccountReport(
            identity=", ".join(roles) or "no database has an address",
            missing_scopes=tuple(f"database {ref}" for ref in problems),
        )


class Inventory:
    """Each configured database as a target."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    async def fetch_target(self, target: str) -> Target:
        told = await _ask(self._databases.find(target))
        if isinstance(told, ProviderError):
            raise told
        return _target(target, told)

    async def fetch_targets(self) -> Sequence[Target]:
        return [await self.fetch_target(ref) for ref in self._databases.known]


def build_capabilities(databases: Databases, runs: Runs, clock: Clock) -> Capabilities:
    """Everything by role.

    Args:
        runs: The migrations under way; whoever opens the connection closes them.
    """
    known = databases.known
    return replace(
        offer_migrations(databases, runs, clock, NO_ADDRESS),
        account=Account(databases) if known else NO_ADDRESS,
        inventory=Inventory(databases) if known else NO_ADDRESS,
    ).without_deploys(NO_DEPLOYS)


async def _ask(database: Database) -> tuple[str, str, bool, bool] | ProviderError:
    try:
        async with database.connect() as connection:
            row = await (await connection.execute(_ABOUT)).fetchone()
    except ProviderError as problem:
        return problem
    if row is None:
        return Unreachable(database.provider, f"The database of {database.ref} gave no answer.", database.where)
    return row[0], row[1], row[2], row[3]


def _target(ref: str, told: tuple[str, str, bool, bool]) -> Target:
    _, version, standby, read_only = told
    words = [f"PostgreSQL {version}", *(["a standby"] if standby else []), *(["read-only"] if read_only else [])]
    return Target(ref, ref, "database", detail=" · ".join(words))
