"""What an operator asks of Cloudflare's load balancing: who serves, who is healthy, what would upset a rollout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from console.domain.errors import Rejected
from console.domain.traffic import say_weights
from providers.cloudflare.traffic import NO_COUNTERS, Routes

if TYPE_CHECKING:
    from providers.cloudflare.client import CloudflareClient
    from providers.cloudflare.wire import LoadBalancer, Pool

BalancerName = Annotated[str, "hostname or id of one load balancer; all of them when left out"]


@dataclass(frozen=True)
class Servers:
    load_balancer: BalancerName = ""


@dataclass(frozen=True)
class Health:
    pool: Annotated[str, "name or id of the pool"]


@dataclass(frozen=True)
class Checks:
    load_balancer: BalancerName = ""


@dataclass(frozen=True)
class OriginReport:
    origin: str
    address: str
    enabled: bool
    weight: float


@dataclass(frozen=True)
class PoolReport:
    """One pool of a load balancer.

    `percent` is its share of new visitors as set, `health` what Cloudflare's checks say by data centre, `is_fallback`
    whether it serves once no pool is healthy. `affinity` keeps visitors at their origin, `drain_s` for how long after
    it was disabled.
    """

    load_balancer: str
    pool: str
    percent: float
    enabled: bool
    health: Mapping[str, str]
    is_fallback: bool
    steering: str
    proxied: bool
    affinity: str
    affinity_ttl_s: float | None
    drain_s: float | None
    origins: Sequence[OriginReport]


@dataclass(frozen=True)
class Check:
    about: str
    good: bool
    words: str
    remedy: str = ""


class BalancerReader:
    def __init__(self, client: CloudflareClient, routes: Routes) -> None:
        self._client = client
        self._routes = routes

    async def fetch_servers(self, request: Servers) -> Sequence[PoolReport]:
        balancers = await self._find(request.load_balancer)
        pools = {pool.id: pool for pool in await self._client.fetch_pools()}
        used = {pool for balancer in balancers for pool in balancer.pools}
        health = {pool: await self._client.fetch_health(pool) for pool in pools if pool in used}
        return [row for balancer in balancers for row in _report(balancer, pools, health)]

    async def fetch_health(self, request: Health) -> Mapping[str, str]:
        pool = await self._client.find_pool(request.pool)
        if pool is None:
            raise self._client.refuse(f"Cloudflare has no pool {request.pool!r}.", "pools", "Name one of `servers`.")
        return await self._client.fetch_health(pool.id)

    async def fetch_checks(self, request: Checks) -> Sequence[Check]:
        """Of the load balancer named, else of those that routes are configured for, else of all."""
        names = [request.load_balancer] if request.load_balancer else list(self._routes.configured)
        balancers = [await self._client.fetch_load_balancer(name) for name in names] if names else await self._find("")
        pools = {pool.id: pool for pool in await self._client.fetch_pools()}
        found = [Check("counters", False, NO_COUNTERS.reason, NO_COUNTERS.remedy)]
        for place, balancer in enumerate(balancers):
            route = names[place] if names else balancer.name
            try:
                weights = self._routes.read(balancer, await self._routes.fetch_pools(route, balancer))
                words = say_weights(weights)
                found.append(Check(f"arms of {balancer.name}", True, words))
            except Rejected as problem:
                found.append(Check(f"arms of {balancer.name}", False, problem.what, problem.remedy))
            found += _check(balancer, pools)
        return found

    async def _find(self, name: str) -> Sequence[LoadBalancer]:
        return [await self._client.fetch_load_balancer(name)] if name else await self._client.fetch_load_balancers()


def _check(balancer: LoadBalancer, pools: Mapping[str, Pool]) -> Iterator[Check]:
    name = balancer.name
    yield Check(
        f"{name} is on",
        balancer.enabled,
        "enabled" if balancer.enabled else "disabled: nobody is sent anywhere",
        "" if balancer.enabled else "Enable it.",
    )
    held = f"resolvers keep an answer for {balancer.ttl_s or 30:.0f} s, so that shares follow late and unevenly"
    yield Check(
        f"{name} is proxied",
        balancer.proxied,
        "each request is divided anew" if balancer.proxied else held,
        "" if balancer.proxied else "Proxy it (orange cloud); then the edge divides, not DNS.",
    )
    sticky = balancer.affinity != "none"
    yield Check(
        f"{name} lets visitors go",
        not sticky,
        f"visitors stay by {balancer.affinity}; shares follow slowly" if sticky else "no session affinity",
        "Bake longer, or turn session affinity off while rolling out." if sticky else "",
    )
    if balancer.overrides:
        words = f"{' and '.join(balancer.overrides)} may send requests elsewhere whatever the weights are"
        yield Check(f"{name} has one way", False, words, "Look at them; a share is of what they leave.")
    if balancer.fallback in balancer.pools:
        words = f"{_name(pools, balancer.fallback)} also gets requests at weight 0 once no pool is healthy"
        yield Check(f"fallback of {name}", True, words)
    for pool in balancer.pools:
        if pool in pools and not pools[pool].has_monitor:
            words = f"nobody checks {pools[pool].name}: it counts as healthy"
            yield Check(f"monitor of {pools[pool].name}", False, words, "Attach a monitor to it.")


def _name(pools: Mapping[str, Pool], identity: str) -> str:
    return pools[identity].name if identity in pools else identity


def _report(
    balancer: LoadBalancer, pools: Mapping[str, Pool], health: Mapping[str, Mapping[str, str]]
) -> Iterator[PoolReport]:
    total = sum(balancer.weight_of(pool) for pool in balancer.pools)
    for identity in balancer.pools:
        if (pool := pools.get(identity)) is None:
            continue
        yield PoolReport(
            load_balancer=balancer.name,
            pool=pool.name,
            percent=round(100 * balancer.weight_of(identity) / total, 1) if total else 0.0,
            enabled=pool.enabled,
            health=health.get(identity, {}),
            is_fallback=identity == balancer.fallback,
            steering=balancer.steering or "off",
            proxied=balancer.proxied,
            affinity=balancer.affinity,
            affinity_ttl_s=balancer.affinity_ttl_s,
            drain_s=balancer.drain_s,
            origins=[OriginReport(one.name, one.address, one.enabled, one.weight) for one in pool.origins],
        )
