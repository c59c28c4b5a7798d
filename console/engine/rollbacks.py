"""What a rollback of a deployment would do now, and why there may be none. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from console.domain.clock import Clock
from console.domain.deployment import Deployment, DeploymentStatus, fold
from console.domain.exchange import RollbackPreview
from console.domain.failover import CANNOT_GO_BACK, is_past_return
from console.domain.hold import stands_aside
from console.domain.ids import ServiceName
from console.domain.maintenance import MAINTENANCE
from console.domain.plan import Step, longest_path
from console.engine.past import fetch_past
from console.engine.way_back import acts_of_rollback, find_obstacles
from console.planning.forecast import Forecasts, build_forecasts
from console.planning.partial import name_dependants, refuse_partial, with_halfway
from console.planning.rollback import build_rollback, has_revoked, name_irreversible, name_restorable
from console.watch.holds import History
from providers.contract import Connection

TAKEN_BACK = frozenset({DeploymentStatus.ROLLED_BACK, DeploymentStatus.ABORTED})


class Rollbacks:
    """Answers what people ask before they roll back."""

    def __init__(self, history: History, connections: Mapping[str, Connection], clock: Clock) -> None:
        self._history = history
        self._connections = connections
        self._clock = clock

    async def preview(
        self, deployment: Deployment, services: tuple[ServiceName, ...], *, asks: bool = True, restores: bool = False
    ) -> RollbackPreview:
        """What a rollback would do now, of all services or of some; asks no platform unless it `asks`.

        Args:
            restores: Somebody says that databases go back to their backups where nothing else takes them back.
        """
        services = with_halfway(deployment, services)
        history = build_forecasts(await fetch_past(self._history, deployment.environment))
        steps = tuple(
            replace(step, forecast=_forecast(deployment, step, history, self._clock.now()))
            for step in build_rollback(deployment, services, restores=restores)
        )
        forecast = longest_path(steps)
        obstacles = await find_obstacles(acts_of_rollback(steps), self._connections) if asks else ()
        restorable = name_restorable(deployment, services)
        before = sorted(set(deployment.plan.current.values()))
        return RollbackPreview(
            deployment=deployment.id,
            environment=deployment.environment,
            from_release=deployment.plan.release.name,
            to_release=", ".join(commit[:8] for commit in before) or "nothing",
            steps=tuple(step.name for step in steps),
            forecast_s=forecast.total_seconds() if forecast is not None else None,
            cannot=(
                *name_irreversible(deployment, services, restores=restores),
                *name_dependants(deployment, services),
                *obstacles,
            ),
            refusal=await self.find_refusal(deployment, services, restores=restores),
            services=services,
            asked=asks,
            restores=restorable if restores else (),
            restorable=() if restores else restorable,
        )

    async def find_refusal(
        self, deployment: Deployment, services: tuple[ServiceName, ...] = (), *, restores: bool = False
    ) -> str:
        """Why it cannot go back now, or these services of it; empty when it can."""
        if restores and not name_restorable(deployment, services):
            return "no database of it has to be restored, or no backup was taken before its migrations."
        partial = refuse_partial(deployment, services)
        if partial:
            return partial
        was_partial = deployment.rollback is not None and bool(deployment.rollback.services)
        remains = (was_partial or restores) and bool(build_rollback(deployment, services, restores=restores))
        if deployment.status in TAKEN_BACK and not remains:
            return f"it was {deployment.status.value.replace('_', ' ')} already."
        if deployment.status is DeploymentStatus.ROLLING_BACK:
            return "it is being rolled back already."
        if deployment.plan.strategy == MAINTENANCE and not any(step.undo for step in deployment.plan.steps):
            return "it only ended maintenance; put pages up again with `quarterdeck maintenance on`."
        if is_past_return(deployment):
            return f"{CANNOT_GO_BACK}."
        if has_revoked(deployment):
            return "the old secret was given up, and nothing brings it back; rotate again instead."
        return await self._find_newer(deployment) if deployment.is_terminal else ""

    async def _find_newer(self, deployment: Deployment) -> str:
        for other in await self._history.find_deployments(deployment.environment):
            found = fold(await self._history.events_of(other)) if other > deployment.id else None
            if found is not None and not stands_aside(found.plan.strategy) and found.status not in TAKEN_BACK:
                return f"{other} came after it; roll that back first, or deploy the release you want."
        return ""


def _forecast(deployment: Deployment, step: Step, history: Forecasts, now: datetime) -> timedelta | None:
    """What it took before; without a past, what it took to do what is undone."""
    known = history.of(deployment.environment, step.service, step.kind)
    undone = deployment.steps.get(step.undoes) if step.undoes else None
    return known if known is not None or undone is None else undone.duration(now)
