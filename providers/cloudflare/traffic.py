"""Weights of a load balancer's pools: read, set in one call, read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.domain.errors import Rejected
from console.domain.traffic import Weights, divide_alike, whole_percents
from providers.cloudflare.client import CloudflareClient
from providers.cloudflare.settings import RouteSettings
from providers.cloudflare.wire import RANDOM, LoadBalancer
from providers.contract import Unsupported
from providers.shifting import Shown

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

    def __init__(self, client: CloudflareClient, routes: Mapping[str, RouteSettings]) -> None:
        self._client = client
        self._routes = routes

    @property
    def configured(self) -> Sequence[str]:
        return tuple(self._routes)

    async def pools_of(self, route: str, balancer: LoadBalancer) -> dict[str, str]:
        """The id of each arm's pool.

        Raises:
            Rejected: It steers otherwise than by weight, or its pools are not those of the arms.
        """
        if balancer.steering != RANDOM:
            raise self._refuse(
                route,
                f"steers by {balancer.steering or 'failover'!r}, where weights of pools do not divide requests",
                f'Set its traffic steering to Random (steering_policy "{RANDOM}").',
            )
        settings = self._routes.get(route) or RouteSettings()
        names = await self._client.fetch_pool_names(balancer.pools)
        wanted = {arm: settings.metrics.replace("{arm}", arm) for arm in settings.arms}
        found = {arm: identity for arm, name in wanted.items() for identity, known in names.items() if known == name}
        if len(found) != len(wanted) or len(set(found.values())) != len(balancer.pools):
            raise self._refuse(
                route,
                f"has the pools {', '.join(names.values())} where {', '.join(wanted.values())} are configured",
                'Give it one pool for each arm, or set metrics = "…{arm}…" where the service\'s traffic is written.',
            )
        return found

    async def read(self, route: str, balancer: LoadBalancer) -> dict[str, int]:
        """Whole percent by arm, as set."""
        pools = await self.pools_of(route, balancer)
        parts = [round(balancer.weight_of(pool) * FINEST) for pool in pools.values()]
        return dict(zip(pools, whole_percents(parts), strict=True))

    async def write(self, route: str, balancer: LoadBalancer, wanted: Mapping[str, int]) -> dict[str, object]:
        """The change that divides so; an arm that is not named gets nothing."""
        pools = await self.pools_of(route, balancer)
        unknown = sorted(set(wanted) - set(pools))
        if unknown:
            raise self._refuse(
                route, f"knows no arm {', '.join(unknown)}; it has {', '.join(pools)}", "Name arms of this route."
            )
        steering: dict[str, object] = {"pool_weights": {pool: wanted.get(arm, 0) / 100 for arm, pool in pools.items()}}
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
        return await self._routes.read(route, await self._client.fetch_load_balancer(route))

    async def fetch_run(self, route: str) -> str:
        return ""

    async def fetch_sticky(self, route: str) -> str:
        affinity = (await self._client.fetch_load_balancer(route)).affinity
        return "" if affinity == "none" else f"session affinity by {affinity}"


class EdgeMover:
    """`Mover`. Answers carry no tag to guard a change by: nobody else may move a load balancer during a rollout."""

    def __init__(self, client: CloudflareClient, routes: Routes) -> None:
        self._client = client
        self._routes = routes

    async def move(self, route: str, wanted: Weights) -> Shown:
        balancer = await self._client.fetch_load_balancer(route)
        change = await self._routes.write(route, balancer, wanted)
        shown = await self._routes.read(route, balancer)
        if not divide_alike(shown, wanted):
            await self._client.patch_load_balancer(balancer.id, change)
            shown = await self._routes.read(route, await self._client.fetch_load_balancer(route))
        return Shown(shown)

    async def look(self, route: str) -> Shown | None:
        balancer = await self._client.find_load_balancer(route)
        return None if balancer is None else Shown(await self._routes.read(route, balancer))
