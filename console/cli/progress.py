"""What happens to a deployment, one line an event, for people who watch a terminal. Pure."""

from __future__ import annotations

from console.cli.words import say_clock, say_length, say_moment, say_state, say_weights
from console.domain import events as ev
from console.domain.deployment import Deployment
from console.domain.events import Event
from console.domain.plan import StepKind

COUNTING = frozenset(
    {
        StepKind.TRANSFER_DATA,
        StepKind.TRANSFER_FILES,
        StepKind.TAKE_BACK_DATA,
        StepKind.BACK_UP,
        StepKind.PROVE_BACKUP,
        StepKind.RESTORE_DATA,
        StepKind.BRING_BACK_DATA,
    }
)


def say_event(event: Event, after: Deployment) -> str | None:
    """Say one event in one line; None for those that change nothing a person waits for.

    Args:
        after: The deployment with this event already applied.
    """
    words = _words(event, after)
    return None if words is None else f"{say_clock(event.at)}  {words}"


def _words(event: Event, after: Deployment) -> str | None:
    payload = event.payload
    match payload:
        case ev.DeploymentRequested():
            return f"○ {after.id}: {after.plan.release.name} to {after.environment}, asked for by {event.actor}"
        case ev.DeploymentStarted():
            return f"▶ started, {len(after.plan.steps)} steps"
        case ev.DeploymentAdopted():
            return f"▶ taken up by {payload.worker}"
        case ev.StepStarted():
            again = f" (attempt {payload.attempt})" if payload.attempt > 1 else ""
            return f"▶ {_name(after, payload.step)}{again}"
        case ev.StepWaiting():
            until = f" until {say_moment(payload.until)}" if payload.until else ""
            return f"… {_name(after, payload.step)}: {payload.reason}{until}"
        case ev.StepProgressed() if _counts(after, payload.step):
            return f"… {payload.detail}"
        case ev.StepSucceeded():
            length = after.steps[payload.step].duration(event.at) if payload.step in after.steps else None
            told = any(
                record.step == payload.step and record.verdict.explanation == payload.detail
                for record in after.verdicts
            )
            detail = f": {payload.detail}" if payload.detail and not told else ""
            return f"✓ {_name(after, payload.step)}{detail} ({say_length(length)})"
        case ev.StepFailed():
            again = f"; again at {say_clock(payload.retry_at)}" if payload.retry_at else ""
            return f"✗ {_name(after, payload.step)}: {_one_line(payload.what)}{again}"
        case ev.StepSkipped() | ev.StepInterrupted():
            return f"- {_name(after, payload.step)}: {payload.reason}"
        case ev.PersonAsked():
            return f"? {_one_line(payload.question)}"
        case ev.StepRetried():
            return f"▶ {_name(after, payload.step)} is tried again"
        case ev.TrafficShifted():
            return f"⇄ {payload.service}: {say_weights(payload.weights)}"
        case ev.StageJudged():
            return f"{say_state(payload.verdict.kind.value)}  {_one_line(payload.verdict.explanation)}"
        case ev.ControlReceived():
            return f"● {payload.control.value}, asked for by {event.actor}{_because(payload.reason)}"
        case _:
            return _words_of_the_whole(event, after)


def _counts(deployment: Deployment, step: str) -> bool:
    """Whether a step tells how far it is, and not only where it stands."""
    state = next((state for key, state in deployment.steps.items() if key == step), None)
    return state is not None and state.step.kind in COUNTING


def _words_of_the_whole(event: Event, after: Deployment) -> str | None:
    payload = event.payload
    match payload:
        case ev.DeploymentPaused():
            return f"⏸ paused{_because(payload.reason)}"
        case ev.DeploymentContinued():
            return f"▶ goes on{_because(payload.reason)}"
        case ev.RollbackRequested():
            who = "by itself" if payload.trigger is ev.Trigger.AUTOMATIC else f"by {event.actor}"
            return f"↩ rolling back {who}{_because(payload.reason)}"
        case ev.TrafficRestored():
            length = after.rollback.traffic_restored_after if after.rollback else None
            return f"↩ traffic is back, after {say_length(length)}"
        case ev.DeploymentSucceeded() | ev.DeploymentRolledBack() | ev.DeploymentAborted() | ev.DeploymentFailed():
            return say_end(after)
        case _:
            return None


def say_end(deployment: Deployment) -> str:
    """How it ended, in one line."""
    length = deployment.ended_at - deployment.requested_at if deployment.ended_at else None
    if deployment.rollback is not None:
        length = deployment.rollback.duration
    because = f": {_one_line(deployment.failure)}" if deployment.failure else ""
    return f"{say_state(deployment.status.value)} after {say_length(length)}{because}"


def _name(deployment: Deployment, step: str) -> str:
    state = next((state for key, state in deployment.steps.items() if key == step), None)
    return state.step.name if state else step


def _because(reason: str) -> str:
    return f": {_one_line(reason)}" if reason else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())
