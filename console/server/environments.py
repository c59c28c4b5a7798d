"""An environment in one value: what is configured, what is live there, how it feels, and what moves in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.domain.ids import DeploymentId, EnvironmentName, ServiceName
from console.domain.observations import (
    ArmHealth,
    DeploymentSummary,
    EnvironmentStatus,
    Health,
    Lock,
    ServiceStatus,
)
from console.server.parts import Parts

WORST_LAST = (Health.HEALTHY, Health.UNKNOWN, Health.DEGRADED, Health.DOWN)


@dataclass(frozen=True)
class _Lines:
    """A query for lines of the history."""

    environment: EnvironmentName | None
    status: str = ""
    limit: int = 1
    before: DeploymentId | None = None


async def describe_environment(parts: Parts, name: EnvironmentName) -> EnvironmentStatus:
    """Put together what settings, watch and history know of an environment."""
    settings = parts.settings.environments[name]
    arms = await parts.monitor.health(name)
    latest = await parts.ledger.summaries(_Lines(name))
    good = await parts.ledger.summaries(_Lines(name, "succeeded"))
    lock = next((lock for lock in await parts.ledger.locks() if lock.environment == name), None)
    services = tuple(
        describe_service(ServiceName(service), parts.settings.services[service].provider, arms)
        for service in settings.services
    )
    return EnvironmentStatus(
        name=name,
        tier=str(settings.tier),
        health=worst_health([service.health for service in services]),
        release=good[0].release if good else next((service.release for service in services if service.release), ""),
        services=services,
        deployment=_moving(latest, lock),
        lock=lock,
    )


def describe_service(name: ServiceName, provider: str, arms: Sequence[ArmHealth]) -> ServiceStatus:
    """Sum up a service's arms: the release and health are those of the arm that most requests go to."""
    own = [arm for arm in arms if arm.service == name]
    if not own:
        return ServiceStatus(name, provider)
    main = max(own, key=lambda arm: arm.weight if arm.weight is not None else -1)
    carrying = [arm for arm in own if arm.weight] or [main]
    worst = max(carrying, key=lambda arm: WORST_LAST.index(arm.health))
    weights = {arm.arm: arm.weight for arm in own if arm.weight is not None}
    return ServiceStatus(name, provider, main.release, worst.health, worst.reason, weights)


def worst_health(healths: Sequence[Health]) -> Health:
    return max(healths, key=WORST_LAST.index, default=Health.UNKNOWN)


def _moving(latest: Sequence[DeploymentSummary], lock: Lock | None) -> DeploymentSummary | None:
    """The deployment that moves here: one that has not ended, or an ended one that is being taken back."""
    return next((line for line in latest if not line.status.is_terminal or (lock and lock.deployment == line.id)), None)
