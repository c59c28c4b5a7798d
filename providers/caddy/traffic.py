"""Weights of a route: read, moved in one step, read back.

A reference is `<route>@<weights as JSON>`. Caddy keeps no history, so that an operation whose weights somebody else has
replaced since is FAILED, and says what the router shows instead.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from console.domain.errors import Rejected
from console.domain.traffic import checked_weights
from providers.caddy.client import CaddyClient, Seen
from providers.caddy.wire import WEIGHTED, Handler
from providers.contract import ArmCounters, Operation, OperationKey, OperationStatus, ShiftTraffic

if TYPE_CHECKING:
    from providers.caddy.settings import RouteSettings

ROUNDS = 5
"""How often a change that met somebody else's is tried on what they left."""


class Routes:
    """Translates between arms and the positions of a handler's upstreams. A route not configured has the defaults."""

    def __init__(self, provider: str, routes: Mapping[str, RouteSettings]) -> None:
        self._provider = provider
        self._routes = routes

    def is_configured(self, route: str) -> bool:
        return route in self._routes

    def find(self, route: str) -> RouteSettings:
        from providers.caddy.settings import RouteSettings

        return self._routes.get(route) or RouteSettings()

    def read(self, route: str, handler: Handler) -> dict[str, int]:
        """Whole percent by arm, as the handler divides now.

        Raises:
            Rejected: It divides in another way, or has other upstreams than the arms.
        """
        places = self._places(route, handler)
        shown = [handler.weights[place] if place < len(handler.weights) else 0 for place in places.values()]
        return dict(zip(places, _percent(shown), strict=True))

    def write(self, route: str, handler: Handler, weights: Mapping[str, int]) -> list[int]:
        """The handler's list of weights for these arms, in lowest terms; an arm that is not named gets nothing.

        Caddy serves each upstream its whole weight in a row: [50, 50] are blocks of fifty, [1, 1] is every other one.

        Raises:
            Rejected: An arm is unknown, or the handler does not fit the arms.
        """
        places = self._places(route, handler)
        unknown = sorted(set(weights) - set(places))
        if unknown:
            known = ", ".join(places)
            raise self._refuse(route, f"knows no arm {', '.join(unknown)}; it has {known}", "Name arms of this route.")
        written = [0] * len(handler.dials)
        for arm, weight in weights.items():
            written[places[arm]] = weight
        parts = math.gcd(*written) or 1
        return [weight // parts for weight in written]

    def dials(self, route: str, handler: Handler) -> dict[str, str]:
        """The address of each arm. Raises Rejected as `read` does."""
        return {arm: handler.dials[place] for arm, place in self._places(route, handler).items()}

    def _places(self, route: str, handler: Handler) -> dict[str, int]:
        if handler.policy != WEIGHTED:
            raise self._refuse(
                route,
                f"selects by {handler.policy!r}, which has no weights",
                f'Set "load_balancing": {{"selection_policy": {{"policy": "{WEIGHTED}", "weights": [100, 0]}}}}.',
            )
        arms = self.find(route).arms
        if not isinstance(arms, Mapping):
            if len(arms) != len(handler.dials):
                what = f"has {len(handler.dials)} upstreams where {len(arms)} arms are configured ({', '.join(arms)})"
                raise self._refuse(route, what, "Give the route one upstream for each arm, in the order of the arms.")
            return {arm: place for place, arm in enumerate(arms)}
        missing = [f"{arm} ({dial})" for arm, dial in arms.items() if dial not in handler.dials]
        if missing:
            raise self._refuse(route, f"has no upstream for {', '.join(missing)}", "Correct the dial addresses.")
        return {arm: handler.dials.index(dial) for arm, dial in arms.items()}

    def _refuse(self, route: str, what: str, remedy: str) -> Rejected:
        return Rejected(self._provider, f"Caddy's route {route} {what}.", f"route {route}", remedy)


class EdgeRouter:
    """`Router`, `CounterSource` and `UnderwaySource`."""

    def __init__(self, client: CaddyClient, routes: Routes) -> None:
        self._client = client
        self._routes = routes

    async def fetch_weights(self, route: str) -> Mapping[str, int]:
        return self._routes.read(route, (await self._client.fetch_handler(route)).handler)

    async def fetch_run(self, route: str) -> str:
        """When the process began, and how many whole configurations were loaded into it since.

        A reload, as `caddy reload` does it, loads a whole one; a change of weights replaces a part.
        """
        return await self._client.fetch_run()

    async def fetch_sticky(self, route: str) -> str:
        """Caddy either divides by weights or keeps visitors where they were; the latter is refused elsewhere."""
        return ""

    async def fetch_underway(self, route: str) -> Mapping[str, int]:
        """By the upstreams' own counts, which changes of the configuration leave as they are."""
        seen = await self._client.fetch_handler(route)
        counts = await self._client.fetch_underway()
        return {arm: counts.get(dial, 0) for arm, dial in self._routes.dials(route, seen.handler).items()}

    async def fetch_counters(self, route: str) -> Mapping[str, ArmCounters]:
        """By arm, also one without requests. For a route not configured: every server that answered, by its name."""
        servers = await self._client.fetch_counters()
        if not self._routes.is_configured(route):
            return servers
        settings = self._routes.find(route)
        nothing = ArmCounters(0, 0, 0.0)
        return {arm: servers.get(settings.metrics.replace("{arm}", arm), nothing) for arm in settings.arms}


class Shifts:
    """`Actuator[ShiftTraffic]`. Repeats harmlessly by nature: weights that are in force already are left alone."""

    def __init__(self, client: CaddyClient, routes: Routes) -> None:
        self._client = client
        self._routes = routes

    async def start(self, request: ShiftTraffic, key: OperationKey) -> Operation:
        wanted = checked_weights(request.weights)
        shown: Mapping[str, int] = {}
        for _ in range(ROUNDS):
            seen = self._recall(request.route, wanted) or await self._client.fetch_handler(request.route)
            listed = self._routes.write(request.route, seen.handler, wanted)
            shown = self._routes.read(request.route, seen.handler)
            if _same(shown, wanted):
                break
            if await self._client.put_weights(request.route, listed, seen.tag):
                shown = self._routes.read(request.route, (await self._client.fetch_handler(request.route)).handler)
                break
        return _judge(_reference(request.route, wanted), wanted, shown)

    def _recall(self, route: str, wanted: Mapping[str, int]) -> Seen | None:
        """The route as it was last read, where that is enough to change it; the change fails if it is so no longer."""
        seen = self._client.recall_handler(route)
        try:
            return seen if seen and not _same(self._routes.read(route, seen.handler), wanted) else None
        except Rejected:
            return None

    async def observe(self, reference: str) -> Operation:
        route, wanted = _parse(reference)
        seen = await self._client.fetch_handler_or_none(route) if wanted else None
        if seen is None:
            return Operation(reference, OperationStatus.LOST, "Caddy knows no such route")
        return _judge(reference, wanted, self._routes.read(route, seen.handler))

    async def find(self, request: ShiftTraffic, key: OperationKey) -> Operation | None:
        wanted = checked_weights(request.weights)
        found = await self.observe(_reference(request.route, wanted))
        return found if found.status is OperationStatus.SUCCEEDED else None


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
    return Operation(reference, OperationStatus.FAILED, f"the router shows {words}; somebody else sets it too")


def _same(one: Mapping[str, int], other: Mapping[str, int]) -> bool:
    return {arm: weight for arm, weight in one.items() if weight} == {arm: w for arm, w in other.items() if w}


def _percent(weights: list[int]) -> list[int]:
    """Scale to whole percent that sum to 100, the largest remainders rounded up. Nothing at all stays nothing."""
    total = sum(weights)
    if total in (0, 100):
        return weights
    exact = [100 * weight / total for weight in weights]
    percent = [int(part) for part in exact]
    by_remainder = sorted(range(len(exact)), key=lambda place: percent[place] - exact[place])
    for place in by_remainder[: 100 - sum(percent)]:
        percent[place] += 1
    return percent
