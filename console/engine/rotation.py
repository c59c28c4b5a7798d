"""What must be known of a secret before its rotation can be planned. Reads only; answers with digests."""

from __future__ import annotations

import asyncio

from console.config.settings import Settings
from console.domain.errors import ConsoleError
from console.domain.plan import Wish
from console.domain.rotation import Rotation, SecretFacts
from console.engine.variables import Variables
from console.planning.secret_uses import find_uses


async def fetch_secret(settings: Settings, variables: Variables | None, wish: Wish, rotation: Rotation) -> SecretFacts:
    """Look where the reference leads and what every consumer has; what cannot be read becomes the problem."""
    uses = find_uses(settings, wish, rotation)
    if variables is None or uses.refusals:
        return SecretFacts()
    service = next(iter(uses.names))
    name = uses.names[service][0]
    wanted = await variables.fetch_wanted(wish.environment, service)
    if name not in wanted.values:
        return SecretFacts(problem=wanted.unresolved.get(name, ""))
    places = variables.places(wish.environment, list(uses.names))
    try:
        found = await asyncio.gather(*(variables.fetch_actual(place.provider, place.target) for place in places))
    except ConsoleError as problem:
        return SecretFacts(problem=" ".join(part for part in (problem.what, problem.remedy) if part))
    actual = {place.target: variables.masker.mask_all(each) for place, each in zip(places, found, strict=True)}
    return SecretFacts(variables.masker.mask(wanted.values[name]), actual)
