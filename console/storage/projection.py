"""The line of the history that a deployment's events amount to, kept beside them for fast lists."""

from __future__ import annotations

from console.domain.deployment import Deployment, DeploymentStatus, StepStatus
from console.domain.observations import DeploymentSummary
from console.domain.waiting import say_waiting

ACTIVE = (StepStatus.RUNNING, StepStatus.WAITING)


def summarise(deployment: Deployment) -> DeploymentSummary:
    """Fold a deployment into one line. `progress` is the share of its steps that ended, 0..1."""
    return DeploymentSummary(
        id=deployment.id,
        environment=deployment.environment,
        strategy=deployment.plan.strategy,
        release=str(deployment.plan.release),
        status=deployment.status,
        requested_by=deployment.requested_by,
        requested_at=deployment.requested_at,
        started_at=deployment.started_at,
        ended_at=deployment.ended_at,
        progress=_progress(deployment),
        detail=_detail(deployment),
        review=_review(deployment),
    )


def _review(deployment: Deployment) -> str:
    review = deployment.emergency.review if deployment.emergency else None
    return review.word if review else ""


def _progress(deployment: Deployment) -> float:
    if deployment.is_terminal:
        return 1.0
    states = deployment.steps.values()
    return round(sum(state.status.is_terminal for state in states) / len(states), 3) if states else 0.0


def _detail(deployment: Deployment) -> str:
    if deployment.is_terminal:
        rolled_back = deployment.status is DeploymentStatus.ROLLED_BACK and deployment.rollback
        return rolled_back.reason if rolled_back else deployment.failure
    waits = say_waiting(deployment)
    if waits:
        return waits
    for status in ACTIVE:
        active = [state for state in deployment.steps.values() if state.status is status]
        if active:
            return " · ".join(
                f"{state.step.name}: {state.detail}" if state.detail else state.step.name for state in active[:2]
            )
    return ""
