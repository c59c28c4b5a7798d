"""Weights of a route: read, moved in one step, read back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from console.domain.errors import Rejected
from console.domain.traffic import Weights, divide_alike, whole_percents
from providers.caddy.wire import WEIGHTED, Handler
from providers.contract import ArmCounters
from providers.shifting import Shown

if TYPE_CHECKING:
    from providers.caddy.client import CaddyClient, Seen
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
        return dict(zip(places, whole_percents(shown), strict=True))

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
        wanted = [weights.get(arm, 0) for arm in places]
        alike = [1 if weight else 0 for weight in wanted]
        if whole_percents(alike) == wanted:
            # 34, 33 and 33 % read back so too, and every third request is better than a hundred in three blocks.
            wanted = alike
        written = [0] * len(handler.dials)
        for arm, weight in zip(places, wanted, strict=True):
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


class EdgeMover:
    """`Mover`: one change of the configuration, only to what was read; what others did in between is looked at anew."""

    def __init__(self, client: CaddyClient, routes: Routes) -> None:
        self._client = client
        self._routes = routes

    async def move(self, route: str, wanted: Weights) -> Shown:
        shown: Weights = {}
        for _ in range(ROUNDS):
            seen = self._recall(route, wanted) or await self._client.fetch_handler(route)
            listed = self._routes.write(route, seen.handler, wanted)
            shown = self._routes.read(route, seen.handler)
            if divide_alike(shown, wanted):
                break
            if await self._client.put_weights(route, listed, seen.tag):
                shown = self._routes.read(route, (await self._client.fetch_handler(route)).handler)
                break
        return Shown(shown)

    def _recall(self, route: str, wanted: Weights) -> Seen | None:
        """The route as it was last read, where that is enough to change it; the change fails if it is so no longer."""
        seen = self._client.recall_handler(route)
        try:
            return seen if seen and not divide_alike(self._routes.read(route, seen.handler), wanted) else None
        except Rejected:
            return None

    async def look(self, route: str) -> Shown | None:
        seen = await self._client.fetch_handler_or_none(route)
        return None if seen is None else Shown(self._routes.read(route, seen.handler))
