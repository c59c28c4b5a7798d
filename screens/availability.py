"""Whether a command can be carried out now, and if not, why, in words. Pure."""

from __future__ import annotations

from collections.abc import Callable

from console.domain.deployment import Deployment, DeploymentStatus, StepState, StepStatus
from console.domain.hold import Hold
from console.domain.ids import EnvironmentName
from console.domain.plan import StepKind
from console.domain.roles import NEEDED, Role, may
from screens.commands import Command
from screens.store import Link, Store

CONTROLS = frozenset({"rollback", "approve", "pause", "promote", "promote_full", "abort", "retry", "skip", "renew"})
ASKS_WORKER = CONTROLS | {
    "deploy",
    "deploy_staging",
    "deploy_production",
    "deploy_blue_green",
    "deploy_canary",
    "deploy_emergency",
    "deploy_disaster_recovery",
    "deploy_maintenance",
    "take_backup",
    "verify_backup",
    "drill_backup",
    "restore_backup",
    "backup_take",
    "backup_drill",
    "add_scheduled",
    "add_freeze",
    "strike",
    "lift_hold",
    "recover",
    "review",
}


def _find(deployment: Deployment, fits: Callable[[StepState], bool], prefer: str) -> StepState | None:
    """The preferred step if it fits, else the first that does."""
    fitting = [state for state in deployment.steps.values() if fits(state)]
    return next((state for state in fitting if state.step.id == prefer), next(iter(fitting), None))


def waiting_for_approval(deployment: Deployment, prefer: str = "") -> StepState | None:
    """The step that waits for a person's word."""
    return _find(deployment, lambda s: s.status is StepStatus.WAITING and s.step.kind is StepKind.APPROVAL, prefer)


def baking(deployment: Deployment, prefer: str = "") -> StepState | None:
    """The step whose waiting `promote` would end."""
    active = {StepStatus.WAITING, StepStatus.RUNNING}
    return _find(deployment, lambda s: s.status in active and s.step.kind is StepKind.BAKE, prefer)


def retrying(deployment: Deployment, prefer: str = "") -> StepState | None:
    """The step that waits to be tried again."""
    return _find(deployment, lambda s: s.retry_at is not None or s.asked, prefer)


def failed(deployment: Deployment, prefer: str = "") -> StepState | None:
    """The failed step that waits for a person's decision: the preferred one, else one that may be left out."""
    found = _find(deployment, lambda s: s.asked, prefer)
    if found is None or found.step.id == prefer or found.step.is_skippable:
        return found
    return _find(deployment, lambda s: s.asked and s.step.is_skippable, prefer) or found


def held(store: Store, environment: EnvironmentName) -> Hold | None:
    """What keeps pushes of an environment from going live, while nothing moves there."""
    status = store.environments.get(environment)
    return status.hold if status is not None and status.lock is None else None


def why_not(command: Command, store: Store, deployment: Deployment | None, step: str = "") -> str:
    """The reason why a command is disabled; empty when it is not.

    `deployment` is the one that a control key would act on, the one on the screen; `step` is under the cursor there.
    """
    role = store.role
    if command.needs != "view" and role is not Role.NONE and not may(role, command.needs):
        needed = NEEDED.get(command.needs, Role.ADMIN)
        return f"your role is {role.word}; this needs {needed.word}"
    if command.id in {"deploy_emergency", "renew"} and role is not Role.NONE and not store.may_in_emergency:
        return "you may not pass gates in an emergency; [roles] emergency says who may"
    if command.id in ASKS_WORKER and store.link is not Link.LIVE:
        return "the worker does not answer" if store.link is Link.LOST else "still connecting"
    if command.id == "promote" and deployment is not None and held(store, deployment.environment):
        return ""
    if command.id in CONTROLS:
        return _why_not_control(command.id, deployment, step)
    if command.id == "report" and deployment is None:
        return "nothing has been deployed here"
    return ""


def _why_not_control(command: str, deployment: Deployment | None, step: str) -> str:
    if deployment is None:
        return "nothing has been deployed here"
    if command == "rollback":
        return _why_not_rollback(deployment)
    if command == "retry" and deployment.status is DeploymentStatus.FAILED:
        return "it has ended; R takes back what is left"
    if deployment.is_terminal:
        return "nothing is being deployed here"
    if deployment.status is DeploymentStatus.ROLLING_BACK:
        return "it is rolling back"
    if command == "approve" and waiting_for_approval(deployment) is None:
        return "nothing waits for approval"
    if command in {"promote", "promote_full"} and baking(deployment) is None:
        return "no stage is baking"
    if command == "retry" and retrying(deployment) is None:
        return "no step waits to be tried again"
    if command == "skip":
        return _why_not_skip(deployment, step)
    if command == "renew" and (deployment.emergency is None or deployment.emergency.valid is None):
        return "this is no emergency, so no permission ends"
    return ""


def _why_not_skip(deployment: Deployment, step: str) -> str:
    state = failed(deployment, step)
    if state is None:
        return "no failed step waits for a decision"
    if not state.step.is_skippable:
        return f"later steps stand on “{state.step.name}”; t tries it again, R takes all back"
    return ""


def _why_not_rollback(deployment: Deployment) -> str:
    if deployment.status is DeploymentStatus.ROLLING_BACK:
        return "it is already rolling back"
    was_partial = deployment.rollback is not None and bool(deployment.rollback.services)
    if deployment.status is DeploymentStatus.ROLLED_BACK and not was_partial:
        return "the last deployment is already rolled back"
    if deployment.status is DeploymentStatus.ABORTED:
        return "the last deployment was aborted before it changed anything"
    return ""
