"""Whether a command can be carried out now, and if not, why, in words. Pure."""

from __future__ import annotations

from console.domain.deployment import Deployment, DeploymentStatus, StepState, StepStatus
from console.domain.plan import StepKind
from console.domain.roles import NEEDED, Role, may
from screens.commands import Command
from screens.store import Link, Store

CONTROLS = frozenset({"rollback", "approve", "pause", "promote", "abort", "retry"})
ASKS_WORKER = CONTROLS | {
    "deploy",
    "deploy_staging",
    "deploy_production",
    "deploy_blue_green",
    "deploy_canary",
    "deploy_emergency",
    "promote_full",
    "review",
    "deploy_maintenance",
    "add_scheduled",
    "add_freeze",
    "strike",
}


def waiting_for_approval(deployment: Deployment) -> StepState | None:
    """The step that waits for a person's word."""
    return next(
        (
            state
            for state in deployment.steps.values()
            if state.status is StepStatus.WAITING and state.step.kind is StepKind.APPROVAL
        ),
        None,
    )


def baking(deployment: Deployment) -> StepState | None:
    """The step whose waiting `promote` would end."""
    return next(
        (
            state
            for state in deployment.steps.values()
            if state.status in {StepStatus.WAITING, StepStatus.RUNNING} and state.step.kind is StepKind.BAKE
        ),
        None,
    )


def retrying(deployment: Deployment) -> StepState | None:
    """The step that waits to be tried again."""
    return next((s for s in deployment.steps.values() if s.retry_at is not None or s.asked), None)


def why_not(command: Command, store: Store, deployment: Deployment | None) -> str:
    """The reason why a command is disabled; empty when it is not.

    `deployment` is the one that a control key would act on: the one on the screen.
    """
    role = store.role
    if command.needs != "view" and role is not Role.NONE and not may(role, command.needs):
        needed = NEEDED.get(command.needs, Role.ADMIN)
        return f"your role is {role.word}; this needs {needed.word}"
    if command.id == "deploy_emergency" and role is not Role.NONE and not store.may_in_emergency:
        return "you may not pass gates in an emergency; [roles] emergency says who may"
    if command.id in ASKS_WORKER and store.link is not Link.LIVE:
        return "the worker does not answer" if store.link is Link.LOST else "still connecting"
    if command.id in CONTROLS:
        return _why_not_control(command.id, deployment)
    if command.id == "report" and deployment is None:
        return "nothing has been deployed here"
    return ""


def _why_not_control(command: str, deployment: Deployment | None) -> str:
    if deployment is None:
        return "nothing has been deployed here"
    if command == "rollback":
        return _why_not_rollback(deployment)
    if deployment.is_terminal:
        return "nothing is being deployed here"
    if deployment.status is DeploymentStatus.ROLLING_BACK:
        return "it is rolling back"
    if command == "approve" and waiting_for_approval(deployment) is None:
        return "nothing waits for approval"
    if command == "promote" and baking(deployment) is None:
        return "no stage is baking"
    if command == "retry" and retrying(deployment) is None:
        return "no step waits to be tried again"
    return ""


def _why_not_rollback(deployment: Deployment) -> str:
    if deployment.status is DeploymentStatus.ROLLING_BACK:
        return "it is already rolling back"
    if deployment.status is DeploymentStatus.ROLLED_BACK:
        return "the last deployment is already rolled back"
    if deployment.status is DeploymentStatus.ABORTED:
        return "the last deployment was aborted before it changed anything"
    return ""
