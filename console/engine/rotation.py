"""What must be known of a secret before its rotation can be planned. Reads only; answers with digests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from console.config.settings import Settings
from console.domain.errors import ConsoleError, UsageError
from console.domain.plan import Wish
from console.domain.rotation import API_KEY, Rotation, SecretFacts
from console.engine.login_turn import fetch_turn
from console.engine.variables import Variables
from console.planning.secret_uses import find_uses, projects_of
from console.storage.secret_files import why_fixed
from providers.contract import ApiKey, Connection, Unsupported


async def fetch_secret(
    settings: Settings,
    connections: Mapping[str, Connection],
    variables: Variables | None,
    wish: Wish,
    rotation: Rotation,
) -> SecretFacts:
    """Look where the reference leads and what every consumer has; what cannot be read becomes the problem."""
    uses = find_uses(settings, wish, rotation)
    if variables is None or uses.refusals:
        return SecretFacts()
    service = next(iter(uses.names))
    name = uses.names[service][0]
    wanted = await variables.fetch_wanted(wish.environment, service)
    if name not in wanted.values:
        return SecretFacts(problem=wanted.unresolved.get(name, ""))
    fixed = await asyncio.to_thread(why_fixed, variables.path_of(uses.reference))
    if fixed:
        return SecretFacts(problem=fixed)
    places = variables.places(wish.environment, list(uses.names))
    value = wanted.values[name]
    try:
        found = await asyncio.gather(*(variables.fetch_actual(place.provider, place.target) for place in places))
        key = await _fetch_key(settings, connections, wish, rotation, value) if rotation.kind == API_KEY else None
        turn, forbidding = await fetch_turn(settings, variables, wish, rotation, uses, value)
    except ConsoleError as problem:
        return SecretFacts(problem=" ".join(part for part in (problem.what, problem.remedy) if part))
    actual = {place.target: variables.masker.mask_all(each) for place, each in zip(places, found, strict=True)}
    digest = variables.masker.mask(value)
    if key:
        return SecretFacts(digest, actual, key=key.id, key_kind=key.kind)
    return SecretFacts(digest, actual, problem=" ".join(forbidding), turn=turn)


async def fetch_keys(connection: Connection | None, project: str) -> Sequence[ApiKey]:
    """The keys that a platform issued, with their values.

    Raises:
        UsageError: There is no such provider, or it issues none.
    """
    source = connection.capabilities.api_keys if connection else None
    if source is None:
        raise UsageError("No such provider is open.", "option --provider", "Name one of the configuration.")
    if isinstance(source, Unsupported):
        raise UsageError(source.reason, "option --provider", source.remedy)
    return await source.fetch_keys(project)


async def _fetch_key(
    settings: Settings, connections: Mapping[str, Connection], wish: Wish, rotation: Rotation, value: str
) -> ApiKey:
    project = projects_of(settings, wish.environment, rotation.provider)[0]
    for key in await fetch_keys(connections.get(rotation.provider), project):
        if key.value == value:
            return key
    raise UsageError(
        f"{rotation.name} is no API key of {project} that can be deleted by itself.",
        f"provider {rotation.provider}",
        "Legacy keys (anon, service_role) cannot be replaced so: make a new key and refer to it first.",
    )
