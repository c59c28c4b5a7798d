"""Settings of disaster recovery: which environment takes over, its databases, and what leads visitors there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from console.config.faults import Fault, Key, suggest
from console.config.shape import Duration, SecretReference, Section

if TYPE_CHECKING:
    from console.config.settings import Settings

NAME_KINDS = frozenset({"vercel", "cloudflare"})
NAME_REMEDY = f"Name a provider of kind {' or '.join(sorted(NAME_KINDS))}, or move visitors by a route."
STANDBY_TIER = "disaster-recovery"


class PairSettings(Section):
    """`[environments.ENV.failover.databases.NAME]`: a PostgreSQL and its physical standby."""

    primary: SecretReference = Field(min_length=1)
    """Reference to the address of the server on this side, as a role that may make it read-only."""
    standby: SecretReference = Field(min_length=1)
    """Reference to the address of the server on the other side, as a role that may promote it."""


class RouteSettings(Section):
    """A route whose arms are the two sides."""

    router: str
    """Name of the provider that routes; it should depend on neither side."""
    route: str
    """The router's name of the route."""
    primary: str = "primary"
    """The router's name of the arm on this side."""
    standby: str = "standby"
    """The router's name of the arm on the other side."""


class NameSettings(Section):
    """A DNS record that names one of the two sides."""

    provider: str
    """Name of the provider whose name servers answer for the domain."""
    domain: str
    """The domain, as `example.com`."""
    name: str = ""
    """The subdomain; empty for the domain itself."""
    type: Literal["A", "AAAA", "ALIAS", "CNAME"] = "CNAME"
    """Type of the record."""
    primary: str
    """What it says while this side serves."""
    standby: str
    """What it says while the other side serves."""
    ttl: int = Field(60, ge=60, le=86_400)
    """Seconds that resolvers may keep the new answer."""


class MoveSettings(Section):
    """`[environments.ENV.failover.services.NAME]`: how visitors of a service get to the other side."""

    traffic: RouteSettings | None = None
    """By a route with an arm on each side."""
    dns: NameSettings | None = None
    """By a DNS record."""
    url: str = ""
    """Address that visitors use, asked at the end; empty takes the service's own of the environment."""

    @model_validator(mode="after")
    def _moves_one_way(self) -> MoveSettings:
        if (self.traffic is None) == (self.dns is None):
            raise ValueError("visitors are led by traffic or by dns: write one of them")
        return self


class FailoverSettings(Section):
    """`[environments.ENV.failover]`: what takes over when this environment is lost."""

    to: str
    """Environment of tier disaster-recovery that takes over; its services have the same names."""
    max_lag: Duration = timedelta(seconds=30)
    """Longest time by which the standby of a database may lag; more is refused without --force."""
    rto: Duration | None = None
    """Recovery time that is promised: from the request until the other side serves. Unset promises nothing."""
    rpo: Duration | None = None
    """Length of the writes that may be lost by promise. Unset promises nothing."""
    databases: Mapping[str, PairSettings] = Field(default_factory=dict)
    """PostgreSQL servers with a standby on the other side, by a name of yours."""
    services: Mapping[str, MoveSettings] = Field(default_factory=dict)
    """Services that visitors reach, and what leads them there."""


def check_failover(settings: Settings, name: str, routers: frozenset[str]) -> Iterator[Fault]:
    """Names that must exist, and a standby that is one."""
    environment = settings.environments[name]
    failover = environment.failover
    if failover is None:
        return
    at = ("environments", name, "failover")
    other = settings.environments.get(failover.to)
    if other is None or failover.to == name:
        known = [known for known in settings.environments if known != name]
        yield Fault((*at, "to"), f"There is no other environment {failover.to}.", suggest(failover.to, known))
    elif other.tier.value != STANDBY_TIER:
        what = f"{failover.to} is of tier {other.tier.value}."
        yield Fault((*at, "to"), what, f'What takes over has tier = "{STANDBY_TIER}".')
    for pair_name, pair in failover.databases.items():
        if pair.primary == pair.standby:
            yield Fault(
                (*at, "databases", pair_name, "standby"), "Both servers have one address.", "Name the address of each."
            )
    for service, move in failover.services.items():
        key = (*at, "services", service)
        sides = {side: settings.environments.get(side) for side in (name, failover.to)}
        for side, found in sides.items():
            if found is not None and service not in found.services:
                yield Fault(key, f"{side} has no service {service}.", suggest(service, found.services))
        provider = move.traffic.router if move.traffic else move.dns.provider if move.dns else ""
        where: Key = (*key, "traffic", "router") if move.traffic else (*key, "dns", "provider")
        if provider not in settings.providers:
            yield Fault(where, f"There is no provider {provider}.", suggest(provider, settings.providers))
        elif move.traffic and settings.providers[provider].kind not in routers:
            kind = settings.providers[provider].kind
            remedy = f"Name a provider of kind {' or '.join(sorted(routers))}."
            yield Fault(where, f"{provider} is of kind {kind}, which does not route.", remedy)
        elif move.dns and settings.providers[provider].kind not in NAME_KINDS:
            kind = settings.providers[provider].kind
            yield Fault(where, f"{provider} is of kind {kind}, whose name servers are not spoken to.", NAME_REMEDY)
        elif move.dns and move.dns.type == "ALIAS" and settings.providers[provider].kind == "cloudflare":
            remedy = 'Write type = "CNAME"; Cloudflare flattens one that stands on the domain itself.'
            yield Fault((*key, "dns", "type"), "Cloudflare has no records of type ALIAS.", remedy)
        if move.traffic and move.traffic.primary == move.traffic.standby:
            yield Fault((*key, "traffic", "standby"), "Both sides are one arm.", "Name the arm of each side.")
