"""Every configured metric of an environment, measured once of the arm that serves: what a deployment checks first."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from console.config.metrics import arm_arguments, metric_arguments
from console.config.settings import PlacementSettings, Settings
from console.domain.clock import Clock
from console.domain.errors import ConsoleError
from console.domain.ids import EnvironmentName, ServiceName
from console.domain.observations import MetricCheck
from console.watch.feeds.chosen import Doors, arms_of, named_feeds
from console.watch.feeds.evaluating import evaluate_all
from providers.contract import Capabilities, Connection, Unsupported

PROBES = "web"


class MetricChecker:
    """Asks routers which arm serves, platforms what runs there, and sources for one value each."""

    def __init__(self, settings: Settings, connections: Mapping[str, Connection], clock: Clock) -> None:
        self._settings = settings
        self._connections = connections
        self._clock = clock

    async def check(self, environment: EnvironmentName) -> tuple[MetricCheck, ...]:
        placed = self._settings.environments[environment].services.items()
        found = await asyncio.gather(*(self._check(environment, name, placement) for name, placement in placed))
        return tuple(one for service in found for one in service)

    async def _check(
        self, environment: EnvironmentName, service: str, placement: PlacementSettings
    ) -> tuple[MetricCheck, ...]:
        metrics = metric_arguments(self._settings, environment, service)
        if not metrics or placement.traffic is None or len(placement.places) < 2:
            return ()
        name = ServiceName(service)
        try:
            arguments = await self._arguments(service, placement, metrics)
        except ConsoleError as problem:
            words = f"Which arm serves is not known: {problem.what}"
            return tuple(
                MetricCheck(environment, name, str(one["name"]), "", problem=words, remedy=problem.remedy)
                for one in metrics
            )
        arms = arms_of(arguments)
        assert arms is not None
        doors = Doors(self._of, self._of(PROBES).probes)
        found = await evaluate_all(named_feeds(arguments, doors, self._clock), arms.stable)
        return tuple(
            MetricCheck(environment, name, one.name, arms.stable.arm, one.value, one.words, one.problem, one.remedy)
            for one in found
        )

    async def _arguments(
        self, service: str, placement: PlacementSettings, metrics: list[dict[str, object]]
    ) -> Mapping[str, Any]:
        """As a plan's step has them."""
        traffic, settings = placement.traffic, self._settings.services[service]
        assert traffic is not None
        router, inventory = self._of(traffic.router).router, self._of(settings.provider).inventory
        weights: Mapping[str, int] = {}
        if not isinstance(router, Unsupported):
            weights = await router.fetch_weights(traffic.route)
        stable = max(placement.places, key=lambda arm: weights.get(arm, 0))
        candidate = next(arm for arm in placement.places if arm != stable)
        commit = ""
        if not isinstance(inventory, Unsupported):
            commit = (await inventory.fetch_target(placement.places[stable].id)).live
        health = {"path": settings.health.path} if settings.health else {}
        return {
            "router": traffic.router,
            "route": traffic.route,
            "metrics": {arm: traffic.metrics.replace("{arm}", arm) for arm in placement.places},
            "judge": {"metrics": metrics},
            "health": health,
            "measures": {
                "candidate": arm_arguments(placement, candidate, ""),
                "stable": arm_arguments(placement, stable, commit),
                "platform": settings.provider,
            },
        }

    def _of(self, provider: str) -> Capabilities:
        connection = self._connections.get(provider)
        return connection.capabilities if connection else Capabilities()
