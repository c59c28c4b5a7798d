"""Weights of a load balancer's pools: read, set in one call, read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from console.domain.traffic import Weights, divide_alike, whole_percents
from providers.cloudflare.wire import RANDOM, LoadBalancer, Pool
from providers.contract import Unsupported
from providers.shifting import Shown

if TYPE_CHECKING:
    from console.domain.errors import Rejected
    from providers.cloudflare.client import CloudflareClient
    from providers.cloudflare.settings import CloudflareSettings

FINEST = 10_000
"""Into how many parts a weight of 1 is cut to count with whole numbers."""

NO_COUNTERS = Unsupported(
    "Cloudflare counts requests of a pool by sampling, a quarter of an hour at a time, and neither their errors nor "
    "their times.",
    "Judge by what the services' own platforms or Prometheus count, or by probes; or put Caddy or HAProxy behind it.",
)

NO_UNDERWAY = Unsupported(
    "Cloudflare does not say how many requests are under way.",
    "An arm is given its drain time before it is stopped: drain = … where the service's traffic is written.",
)


class Routes:
    """Translates between arms and pools. A route not configured has the defaults."""

    def __init__(self, client: CloudflareClient, settings: CloudflareSettings) -> None:
        self._client = client
        self._settings = settings

    @property
    def configured(self) -> Sequence[str]:
        return tuple(self._settings.routes)

    async def fetch_pools(self, route: str, balancer: LoadBalancer) -> dict[str, Pool]:
        """The pool of each arm, as it is now: whether it is enabled decides what it gets.

        Raises:
            Rejected: It steers otherwise than by weight, or its pools are not those of the arms.
        """
        if balancer.steering != RANDOM:
            raise self._refuse(
                route,
                f"steers by {balancer.steering or 'failover'!r}, where weights of pools do not divide requests",
                f'Set its traffic steering to Random (steering_policy "{RANDOM}").',
            )
        settings = self._settings.route(route)
        known = {pool.id: pool for pool in await self._client.fetch_pools()}
        wanted = {arm: settings.metrics.replace("{arm}", arm) for arm in settings.arms}
        own = [known[identity] for identity in balancer.pools if identity in known]
        found = {arm: pool for arm, name in wanted.items() for pool in own if pool.name == name}
        if len(found) != len(wanted) or len({pool.id for pool in found.values()}) != len(balancer.pools):
            names = (known[identity].name if identity in known else identity for identity in balancer.pools)
            raise self._refuse(
                route,
                f"has the pools {', '.join(names)} where {', '.join(wanted.values())} are configured",
                'Give it one pool for each arm, or set metrics = "…{arm}…" where the service\'s traffic is written.',
            )
        return found

    def read(self, balancer: LoadBalancer, pools: Mapping[str, Pool]) -> dict[str, int]:
        """Whole percent by arm, as visitors are divided: a pool that is disabled gets nothing, whatever its weight."""
        parts = [round(balancer.weight_of(pool.id) * FINEST) if pool.enabled else 0 for pool in pools.values()]
        return dict(zip(pools, whole_percents(parts), strict=True))

    def write(
        self, route: str, balancer: LoadBalancer, pools: Mapping[str, Pool], wanted: Mapping[str, int]
    ) -> dict[str, object]:
        """The change that divides so; an arm that is not named gets nothing.

        Raises:
            Rejected: An arm is unknown.
        """
        unknown = sorted(set(wanted) - set(pools))
        if unknown:
            raise self._refuse(
                route, f"knows no arm {', '.join(unknown)}; it has {', '.join(pools)}", "Name arms of this route."
            )
        steering: dict[str, object] = {
            "pool_weights": {pool.id: wanted.get(arm, 0) / 100 for arm, pool in pools.items()}
        }
        if balancer.default_weight is not None:
            steering["default_weight"] = balancer.default_weight
        return {"random_steering": steering}

    def _refuse(self, route: str, what: str, remedy: str) -> Rejected:
        return self._client.refuse(f"Cloudflare's load balancer {route} {what}.", f"route {route}", remedy)


class EdgeRouter:
    """`Router`. Cloudflare keeps weights as they were set, whatever it restarts."""

    def __init__(self, client: CloudflareClient, routes: Routes) -> None:
        self._client = client
        self._routes = routes

    async def fetch_weights(self, route: str) -> Mapping[str, int]:
        balancer = await self._client.fetch_load_balancer(route)
        return self._routes.read(balancer, await self._routes.fetch_pools(route, balancer))

    async def fetch_run(self, route: str) -> str:
        return ""

    async def fetch_sticky(self, route: str) -> str:
        affinity = (await self._client.fetch_load_balancer(route)).affinity
        return "" if affinity == "none" else f"session affinity by {affinity}"


class EdgeMover:
    """`Mover`. Answers carry no tag to guard a change by: nobody else may move a load balancer during a rollout.

    An arm that is given traffic while its pool is disabled has it enabled.
    """

    def __init__(self, client: CloudflareClient, routes: Routes) -> None:
        self._client = client
        self._routes = routes

    async def move(self, route: str, wanted: Weights) -> Shown:
        balancer = await self._client.fetch_load_balancer(route)
        pools = await self._routes.fetch_pools(route, balancer)
        change = self._routes.write(route, balancer, pools, wanted)
        if divide_alike(self._routes.read(balancer, pools), wanted):
            return Shown(self._routes.read(balancer, pools))
        asleep = [pool for arm, pool in pools.items() if wanted.get(arm) and not pool.enabled]
        await self._client.patch_load_balancer(balancer.id, change)
        for pool in asleep:
            await self._client.patch_pool(pool.id, {"enabled": True})
        balancer = await self._client.fetch_load_balancer(route)
        return Shown(self._routes.read(balancer, await self._routes.fetch_pools(route, balancer) if asleep else pools))

    async def look(self, route: str) -> Shown | None:
        balancer = await self._client.find_load_balancer(route)
        if balancer is None:
            return None
        return Shown(self._routes.read(balancer, await self._routes.fetch_pools(route, balancer)))
