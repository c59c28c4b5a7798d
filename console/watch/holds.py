"""The hold on an environment, found in the history."""

from __future__ import annotations

from typing import Protocol

from console.domain.deployment import Deployment, fold
from console.domain.events import Event
from console.domain.hold import Hold, find_hold, lifts_hold
from console.domain.ids import DeploymentId, EnvironmentName
from console.domain.observations import DeploymentSummary


class History(Protocol):
    """The part of the ledger that this reads."""

    async def find_deployments(self, text: str) -> tuple[DeploymentId, ...]: ...

    async def events_of(self, deployment: DeploymentId) -> tuple[Event, ...]: ...


async def fetch_hold(history: History, environment: EnvironmentName) -> Hold | None:
    """Read from the newest deployment back to the last one that ended a hold."""
    past: list[Deployment] = []
    for deployment_id in await history.find_deployments(environment):
        deployment = fold(await history.events_of(deployment_id))
        if deployment is None or deployment.environment != environment:
            continue
        past.append(deployment)
        if lifts_hold(deployment):
            break
    return find_hold(past)


class Holds:
    """Remembers each environment's hold until its newest deployment stands differently."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._known: dict[EnvironmentName, tuple[tuple[str, ...], Hold | None]] = {}

    async def fetch(self, environment: EnvironmentName, latest: DeploymentSummary | None) -> Hold | None:
        if latest is None:
            return None
        seen = (latest.id, latest.status.value, str(latest.ended_at))
        known = self._known.get(environment)
        if known is None or known[0] != seen:
            known = (seen, await fetch_hold(self._history, environment))
            self._known[environment] = known
        return known[1]
