"""From the names of what is on the platforms to services, environments and arms. Pure; a person may correct it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

ENVIRONMENTS: Mapping[str, frozenset[str]] = {
    "production": frozenset({"production", "prod", "prd", "live"}),
    "staging": frozenset({"staging", "stage", "stg"}),
    "development": frozenset({"development", "develop", "dev"}),
    "disaster-recovery": frozenset({"dr", "failover"}),
}
ARMS = ("blue", "green")
FALLBACK = "production"
DATABASE = "database"
PLAIN_NAMES: Mapping[str, str] = {"render": "backend", "vercel": "frontend", "supabase": DATABASE}
_SEPARATORS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Place:
    """One thing on a platform that can be deployed to, as the platform calls it."""

    provider: str
    kind: str
    id: str
    name: str
    about: str = ""
    url: str = ""


@dataclass(frozen=True)
class Placing:
    """What a place is to be in the configuration. `doubt` says why it is not sure; then it is only suggested."""

    place: Place
    environment: str
    service: str
    arm: str = ""
    doubt: str = ""

    @property
    def words(self) -> str:
        arm = f" ({self.arm})" if self.arm else ""
        return f"{self.environment} · {self.service}{arm}"


def propose(places: Sequence[Place]) -> list[Placing]:
    """Read the names: `shop-api-staging` is `shop-api` in staging, `api-blue` an arm of `api` in production."""
    return settle([_read(place) for place in places])


def settle(placings: Sequence[Placing], router: str = "") -> list[Placing]:
    """Give every service one platform, keep pairs of arms, and doubt what two places claim.

    Args:
        router: The provider that divides traffic; without one, pairs stay suggestions.
    """
    named = [replace(one, doubt="") for one in _by_platform(placings)]
    whole = Counter((one.environment, one.service) for one in named if one.arm)
    settled: list[Placing] = []
    taken: set[tuple[str, str, str]] = set()
    plain = {(one.environment, one.service) for one in named if not one.arm}
    for one in named:
        key = (one.environment, one.service)
        if one.arm and whole[key] == 1 and key not in plain:
            one = replace(one, arm="")  # the other arm is not there: it is the service
        if (*key, one.arm) in taken or (not one.arm and any((*key, arm) in taken for arm in ARMS)):
            one = replace(one, doubt=f"{one.words} is named already; give one of them another name.")
        elif one.arm and key in plain:
            one = replace(one, doubt=f"there is also a {one.service} without an arm in {one.environment}.")
        elif one.arm and not router:
            one = replace(one, doubt="blue and green need a router that divides the traffic between them.")
        if not one.doubt:
            taken.add((*key, one.arm))
        settled.append(one)
    return settled


def _read(place: Place) -> Placing:
    words = [word for word in _SEPARATORS.split(place.name.lower()) if word]
    arm = next((word for word in words if word in ARMS), "") if place.kind == "render" else ""
    environment = next((name for name, known in ENVIRONMENTS.items() if known & set(words)), FALLBACK)
    rest = [word for word in words if word != arm and word not in ENVIRONMENTS[environment]]
    service = "-".join(rest) or PLAIN_NAMES.get(place.kind, place.kind)
    return Placing(place, environment, service, arm)


def _by_platform(placings: Sequence[Placing]) -> list[Placing]:
    """A service is on one platform: databases are called so, and a name that two platforms have is the first one's."""
    bases = {one.service for one in placings if one.place.kind == "supabase"}
    owners: dict[str, str] = {}
    found = []
    for one in placings:
        service = one.service
        if one.place.kind == "supabase" and DATABASE not in service:
            service = DATABASE if len(bases) == 1 else f"{service}-{DATABASE}"
        if owners.setdefault(service, one.place.provider) != one.place.provider:
            service = f"{service}-{one.place.provider}"
            owners[service] = one.place.provider
        found.append(replace(one, service=service))
    return found
