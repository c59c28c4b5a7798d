"""Weights of a load balancer's pools: read, set in one call, read back.

A reference is `<route>@<weights as JSON>`. Cloudflare keeps no history, so that an operation whose weights somebody
else has replaced since is FAILED, and says what is there instead. Answers carry no tag to guard a change by: nobody
else may move a load balancer during a rollout.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from console.domain.errors import Rejected
from console.domain.traffic import checked_weights
from providers.cloudflare.client import CloudflareClient
from providers.cloudflare.settings import RouteSettings
from providers.cloudflare.wire import RANDOM, LoadBalancer
from providers.contract import Operation, OperationKey, OperationStatus, ShiftTraffic, Unsupported

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
        return dict(zip(pools, _percent([balancer.weight_of(pool) for pool in pools.values()]), strict=True))

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


class Shifts:
    """`Actuator[ShiftTraffic]`. Repeats harmlessly by nature: weights that are in force already are left alone."""

    def __init__(self, client: CloudflareClient, routes: Routes) -> None:
        self._client = client
        self._routes = routes

    async def start(self, request: ShiftTraffic, key: OperationKey) -> Operation:
        wanted = checked_weights(request.weights)
        balancer = await self._client.fetch_load_balancer(request.route)
        change = await self._routes.write(request.route, balancer, wanted)
        shown = await self._routes.read(request.route, balancer)
        if not _same(shown, wanted):
            await self._client.patch_load_balancer(balancer.id, change)
            balancer = await self._client.fetch_load_balancer(request.route)
            shown = await self._routes.read(request.route, balancer)
        return _judge(_reference(request.route, wanted), wanted, shown)

    async def observe(self, reference: str) -> Operation:
        route, wanted = _parse(reference)
        balancer = await self._client.find_load_balancer(route) if wanted else None
        if balancer is None:
            return Operation(reference, OperationStatus.LOST, "Cloudflare knows no such load balancer")
        return _judge(reference, wanted, await self._routes.read(route, balancer))

    async def find(self, request: ShiftTraffic, key: OperationKey) -> Operation | None:
        wanted = checked_weights(request.weights)
        found = await self.observe(_reference(request.route, wanted))
        return found if found.status is OperationStatus.SUCCEEDED else None


def _percent(weights: Sequence[float]) -> list[int]:
    """Scale to whole percent that sum to 100, the largest remainders rounded up. Nothing at all stays nothing."""
    parts = [round(weight * 10_000) for weight in weights]
    total = sum(parts)
    if not total:
        return [0 for _ in parts]
    percent = [100 * part // total for part in parts]
    by_remainder = sorted(range(len(parts)), key=lambda place: -(100 * parts[place] % total))
    for place in by_remainder[: 100 - sum(percent)]:
        percent[place] += 1
    return percent


def _reference(route: str, weights: Mapping[str, int]) -> str:
    return f"{route}@{json.dumps(weights, sort_keys=True, separators=(',', ':'))}"


def _parse(reference: str) -> tuple[str, dict[str, int]]:
    """The route and its weights; no weights for anything else."""
    route, _, written = reference.rpartition("@")
    try:
        weights = json.loads(written)
    except ValueError:
        return route, {}
    fits = route and isinstance(weights, dict) and all(type(weight) is int for weight in weights.values())
    return route, weights if fits else {}


def _judge(reference: str, wanted: Mapping[str, int], shown: Mapping[str, int]) -> Operation:
    words = " · ".join(f"{arm} {weight} %" for arm, weight in shown.items())
    if _same(shown, wanted):
        return Operation(reference, OperationStatus.SUCCEEDED, words)
    return Operation(reference, OperationStatus.FAILED, f"Cloudflare shows {words}; somebody else sets it too")


def _same(one: Mapping[str, int], other: Mapping[str, int]) -> bool:
    return {arm: weight for arm, weight in one.items() if weight} == {arm: w for arm, w in other.items() if w}
