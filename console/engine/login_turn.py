"""Whose turn it is of two login roles, and what speaks against it. Reads only; no password leaves this module."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence

from console.config.settings import Settings
from console.domain.errors import ConsoleError, UsageError
from console.domain.plan import Wish
from console.domain.rotation import DATABASE, Rotation, Turn
from console.engine.variables import Variables
from console.planning.secret_uses import SecretUses
from providers.contract import Login, Logins


async def fetch_turn(
    settings: Settings, variables: Variables, wish: Wish, rotation: Rotation, uses: SecretUses, value: str
) -> tuple[Turn | None, Sequence[str]]:
    """The turn, and why it cannot be; None for a secret of another kind.

    Raises:
        UsageError: The address cannot be read, or the admin's reference leads nowhere.
        ProviderError: The database cannot be asked.
    """
    if rotation.kind != DATABASE:
        return None, ()
    if variables.logins is None:
        raise UsageError("This worker alters no login roles.", "", "")
    logins, roles = variables.logins, settings.environments[wish.environment].logins[rotation.name]
    admin = await variables.fetch_admin(wish.environment, rotation.name)
    try:
        login = logins.read(value)
    except UsageError as problem:
        raise UsageError(f"{uses.reference}: {problem.what}", problem.where, problem.remedy) from None
    found = [*_judge_address(logins, login, value, admin, roles.roles)]
    if found:
        return None, found
    turn = Turn(login.role, next(name for name in roles.roles if name != login.role), roles.owner)
    facts = await logins.survey(admin, turn, roles.roles[0])
    others = [other async for other in _others(settings, variables, wish, uses, login)]
    return facts.turn, (*facts.problems, *others)


def _judge_address(logins: Logins, login: Login, value: str, admin: str, roles: Sequence[str]) -> Iterator[str]:
    if login.role not in roles:
        yield f"The address logs in as {login.role}, which is neither {roles[0]} nor {roles[1]}."
    if not logins.password_of(value):
        yield "The address has no password: there is none to replace."
    here = logins.read(admin)
    if here.role in roles:
        yield f"The admin is {here.role}, one of the two. It takes another role to make and alter both."
    if here.database != login.database:
        yield f"The address leads to the database {login.database}, and the admin's to {here.database}."


async def _others(
    settings: Settings, variables: Variables, wish: Wish, uses: SecretUses, login: Login
) -> AsyncIterator[str]:
    """Other variables that log in as the old role and would not be changed."""
    for service, placement in settings.environments[wish.environment].services.items():
        if placement.database_url and variables.logins is not None:
            where = f"environments.{wish.environment}.services.{service}.database_url"
            if _role(variables.logins, await variables.follow(placement.database_url, where)) == login.role:
                yield f"{where} logs in as {login.role}, too. Give migrations a role of their own."
        wanted = await variables.fetch_wanted(wish.environment, service)
        for name, value in wanted.values.items():
            if name in uses.names.get(service, ()):
                continue
            if variables.logins is not None and _role(variables.logins, value) == login.role:
                what = f"{name} of {service} logs in as {login.role}, too, and is not replaced with it."
                yield f"{what} Refer to the same file, or give it a role of its own."


def _role(logins: Logins, value: str) -> str:
    try:
        return logins.read(value).role
    except ConsoleError:
        return ""
