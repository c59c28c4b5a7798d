"""After a rollback: what keeps pushes from bringing back what was just taken back, until a person goes forward.

The record of the deployments is all there is of it: a hold begins with a rollback and ends with the next release that
a person made live, or with a promotion that lifts it. So it survives restarts, and every host sees the same one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from console.domain.backups import BACKUPS
from console.domain.deployment import Deployment, DeploymentStatus, StepStatus
from console.domain.ids import Actor, DeploymentId, ProviderName, ServiceName
from console.domain.maintenance import MAINTENANCE
from console.domain.plan import Push, StepKind
from console.domain.recovery import RECOVERY

LIFT_HOLD = "lift-hold"
"""Strategy of a deployment that only lets pushes go live again."""

MOVES_A_RELEASE = frozenset({StepKind.DEPLOY, StepKind.PROMOTE, StepKind.SHIFT})


def stands_aside(strategy: str) -> bool:
    """Whether a deployment of this strategy moves no release, so that an earlier one is what goes back."""
    return strategy in {LIFT_HOLD, MAINTENANCE} or strategy.startswith((RECOVERY, BACKUPS))


@dataclass(frozen=True)
class Hold:
    """`pushes` are kept from going live at their platforms, and were not before."""

    deployment: DeploymentId
    release: str
    since: datetime
    by: Actor
    reason: str = ""
    pushes: tuple[Push, ...] = ()
    returned: bool = False

    @property
    def words(self) -> str:
        """`v2 was taken back by kim; pushes of api do not go live until `promote``."""
        names = ", ".join(dict.fromkeys(push.service for push in self.pushes))
        kept = f"pushes of {names} do not go live" if names else "no platform deploys pushes by itself"
        what = (
            f"{self.by} returned to {self.release}" if self.returned else f"{self.release} was taken back by {self.by}"
        )
        return f"held since {self.since:%Y-%m-%d %H:%M} UTC: {what}; {kept}"


def find_hold(past: Iterable[Deployment]) -> Hold | None:
    """The hold on an environment.

    Args:
        past: Its deployments, newest first.
    """
    hold: Hold | None = None
    for deployment in past:
        if lifts_hold(deployment):
            break
        begun = _begin_of(deployment)
        if begun is not None:
            hold = hold or begun
            hold = replace(hold, pushes=tuple(dict.fromkeys([*hold.pushes, *begun.pushes])))
    return hold


def _begin_of(deployment: Deployment) -> Hold | None:
    """The hold that this deployment began, by its rollback or by being a return."""
    if not _moves_a_release(deployment):
        return None
    release, rollback, held = deployment.plan.release.name, deployment.rollback, _held(deployment)
    if rollback is not None:
        at, by = rollback.ended_at, rollback.requested_by
        return None if at is None else Hold(deployment.id, release, at, by, rollback.reason, held)
    at, by = deployment.ended_at, deployment.requested_by
    if not deployment.plan.returns or deployment.status is not DeploymentStatus.SUCCEEDED or at is None:
        return None
    return Hold(deployment.id, release, at, by, deployment.reason, held, returned=True)


def lifts_hold(deployment: Deployment) -> bool:
    """Whether everything before it is no longer held: a release went live, or the hold alone was lifted."""
    if deployment.status is not DeploymentStatus.SUCCEEDED or deployment.plan.returns:
        return False
    kept = any(
        state.step.kind is StepKind.LIFT_HOLD and state.status is StepStatus.SKIPPED
        for state in deployment.steps.values()
    )
    return not kept and (deployment.plan.strategy == LIFT_HOLD or _moves_a_release(deployment))


def _moves_a_release(deployment: Deployment) -> bool:
    """Whether another release came; names of strategies with a colon are of changes that leave it, or of pipelines."""
    word, colon, _ = deployment.plan.strategy.partition(":")
    if colon and word != "pipeline":
        return False
    return any(step.kind in MOVES_A_RELEASE for step in deployment.plan.steps)


def _held(deployment: Deployment) -> tuple[Push, ...]:
    return tuple(
        Push(
            state.step.service or ServiceName(""),
            state.step.provider or ProviderName(""),
            str(target),
            str(state.step.arguments.get("arm", "")),
        )
        for state in deployment.steps.values()
        if state.step.kind is StepKind.HOLD_PUSHES and state.status is StepStatus.SUCCEEDED
        if (target := state.step.arguments.get("target"))
    )
