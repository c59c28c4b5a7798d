"""What the permission of an emergency deployment covers, and who may review it. Pure: a fold in, words out."""

from __future__ import annotations

from datetime import datetime

from console.domain.deployment import Deployment
from console.domain.errors import Refused
from console.domain.events import Control
from console.domain.exchange import ControlRequest
from console.domain.ids import Actor
from console.domain.plan import StepKind

FRAMING = frozenset({StepKind.CHECK_COMMIT, StepKind.APPROVAL, StepKind.ANNOUNCE})
"""Kinds that change nothing of the product."""

TAKES_UP = frozenset({Control.RESUME, Control.RETRY, Control.SKIP})


def has_changed(deployment: Deployment) -> bool:
    """Whether anything of the product has begun to change."""
    return any(state.started_at is not None and state.step.kind not in FRAMING for state in deployment.steps.values())


def find_void(deployment: Deployment, now: datetime) -> str:
    """Why an emergency deployment may not begin any more; empty while it may, or once it has begun to change things."""
    emergency = deployment.emergency
    if emergency is None or emergency.expires_at is None or not emergency.has_expired(now):
        return ""
    if has_changed(deployment):
        return ""
    return (
        f"The emergency permission ended at {emergency.expires_at:%H:%M:%S} UTC, before anything was changed; "
        "deploy again to ask for another one."
    )


def refuse_control(deployment: Deployment, request: ControlRequest, now: datetime) -> None:
    """Hold a wish against the permission. Going back is never refused.

    Raises:
        Refused: The permission is over, or there is none to renew, or nobody says why.
    """
    emergency = deployment.emergency
    if request.control is Control.RENEW:
        _refuse_renewal(deployment, request)
    elif emergency is None or emergency.expires_at is None or deployment.rollback is not None:
        return
    elif request.control in TAKES_UP and emergency.has_expired(now):
        raise Refused(
            f"The emergency permission of {deployment.id} ended at {emergency.expires_at:%Y-%m-%d %H:%M:%S} UTC: "
            f"too late to {request.control.value} without asking anew.",
            f"[environments.{deployment.environment}.emergency] valid",
            f"`quarterdeck renew {deployment.id} --reason TEXT`, then {request.control.value}; or roll back.",
        )


def _refuse_renewal(deployment: Deployment, request: ControlRequest) -> None:
    where = f"deployment {deployment.id}"
    if deployment.emergency is None or deployment.emergency.valid is None:
        raise Refused("Only the permission of an emergency deployment is renewed.", where, "Nothing ends here by time.")
    if deployment.rollback is not None:
        raise Refused("It is being rolled back, which needs no permission.", where)
    if not request.reason.strip():
        raise Refused("An emergency needs a reason.", "option --reason", "Say why; it is kept in the record.")


def refuse_review(deployment: Deployment, actor: Actor, comment: str) -> None:
    """Hold somebody's review against what there is to review.

    Raises:
        Refused: There is none, it is closed, it is too early, they asked for the emergency, or they say nothing.
    """
    where = f"deployment {deployment.id}"
    review = deployment.emergency.review if deployment.emergency else None
    if deployment.emergency is None or review is None:
        raise Refused(f"Deployment {deployment.id} has no review: it was no emergency.", where)
    if review.closed_at is not None:
        when = f"{review.closed_at:%Y-%m-%d %H:%M:%S} UTC"
        raise Refused(f"{review.closed_by} closed this review at {when}: {review.comment}", where)
    if not deployment.is_terminal:
        raise Refused(
            f"Deployment {deployment.id} still goes on ({deployment.status.value}).",
            where,
            "Review it when it has ended.",
        )
    if actor in deployment.emergency.asked_by:
        raise Refused(
            f"{actor} asked for this emergency; somebody else is to review it.", where, "Ask another approver to do it."
        )
    if not comment.strip():
        raise Refused(
            "A review says what was found.", "option --comment", "Say it in a sentence; it is kept in the record."
        )
