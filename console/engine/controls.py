"""Which wishes about a deployment that goes on are refused. Pure: a fold in, a refusal out."""

from __future__ import annotations

from datetime import datetime

from console.domain.deployment import Deployment, DeploymentStatus
from console.domain.errors import Refused
from console.domain.events import Control
from console.domain.exchange import ControlRequest
from console.domain.failover import CANNOT_GO_BACK, is_past_return
from console.engine.decide import asked_steps
from console.engine.emergencies import refuse_control
from console.engine.promotions import refuse_full
from console.planning.partial import refuse_partial, with_halfway

ROLLBACKS = frozenset({Control.ROLLBACK, Control.ROLLBACK_DATA})


def refuse_wish(deployment: Deployment, request: ControlRequest, now: datetime) -> None:
    """Hold a wish against how the deployment stands.

    Raises:
        Refused: It cannot apply, now or at all.
    """
    if request.control in {*ROLLBACKS, Control.ABORT}:
        _refuse_return(deployment, request)
    elif request.control is Control.SKIP:
        _refuse_skip(deployment, request)
    elif request.control is Control.PROMOTE_FULL:
        refuse_full(deployment, request.step)
    refuse_control(deployment, request, now)


def _refuse_return(deployment: Deployment, request: ControlRequest) -> None:
    takes_back = request.control in ROLLBACKS
    if takes_back and deployment.status is DeploymentStatus.ROLLING_BACK:
        since = f"since {deployment.rollback.requested_at:%H:%M:%S} UTC" if deployment.rollback else ""
        raise Refused(f"Deployment {deployment.id} is being rolled back already.", since)
    if is_past_return(deployment):
        raise Refused(f"Deployment {deployment.id} cannot be taken back: {CANNOT_GO_BACK}.", deployment.environment)
    partial = refuse_partial(deployment, with_halfway(deployment, request.services)) if takes_back else ""
    if partial:
        raise Refused(f"Deployment {deployment.id} cannot be rolled back: {partial}", deployment.environment)


def _refuse_skip(deployment: Deployment, request: ControlRequest) -> None:
    asked = asked_steps(deployment, request.step)
    if not asked:
        what = f"step {request.step}" if request.step else "no step"
        raise Refused(f"Deployment {deployment.id}: {what} waits for a decision.", "", "Only a failed step is skipped.")
    needed = [state.step for state in asked if not state.step.is_skippable]
    if needed:
        raise Refused(
            f"{needed[0].name} cannot be skipped: later steps stand on it.",
            f"deployment {deployment.id}",
            "Retry it, or roll back.",
        )
    if not request.reason.strip():
        raise Refused("A step is skipped for a reason only.", "option --reason", "Say why; it is kept in the record.")
