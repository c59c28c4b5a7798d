"""One deployment as its events tell it: the only fold, used by the engine, the live view, replay and reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from console.domain import events as ev
from console.domain.emergency import Emergency, Gate, declare
from console.domain.errors import InvalidTransition
from console.domain.ids import Actor, DeploymentId, EnvironmentName, ServiceName, StepId
from console.domain.plan import Phase, Plan, Step
from console.domain.progress import (
    ControlRecord,
    Operation,
    Rollback,
    StepState,
    TrafficRecord,
    VerdictRecord,
)
from console.domain.statuses import DeploymentStatus, StepStatus
from console.domain.variables import ConfigurationRecord

__all__ = [
    "ControlRecord",
    "Deployment",
    "DeploymentStatus",
    "Operation",
    "Rollback",
    "StepState",
    "StepStatus",
    "TrafficRecord",
    "VerdictRecord",
    "begin",
    "fold",
    "fold_all",
    "is_rollback_step",
    "steps_in_order",
    "undone_by",
]


@dataclass(frozen=True)
class Deployment:
    """Everything known about one deployment after the event with number `seq`."""

    id: DeploymentId
    environment: EnvironmentName
    plan: Plan
    status: DeploymentStatus
    requested_by: Actor
    requested_at: datetime
    reason: str = ""
    request_id: str = ""
    emergency: Emergency | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    steps: Mapping[StepId, StepState] = field(default_factory=dict)
    traffic: tuple[TrafficRecord, ...] = ()
    verdicts: tuple[VerdictRecord, ...] = ()
    controls: tuple[ControlRecord, ...] = ()
    configurations: tuple[ConfigurationRecord, ...] = ()
    rollback: Rollback | None = None
    paused_by: Actor | None = None
    failure: str = ""
    left_behind: Mapping[str, str] = field(default_factory=dict)
    workers: tuple[str, ...] = ()
    seq: int = 0

    @property
    def is_terminal(self) -> bool:
        return self.status.is_terminal

    @property
    def weights(self) -> dict[ServiceName, Mapping[str, int]]:
        """The last weights read back, by service."""
        return {record.service: record.weights for record in self.traffic}

    def duration(self, now: datetime) -> timedelta:
        return (self.ended_at or now) - self.requested_at

    def apply(self, event: ev.Event) -> Deployment:
        """Return the deployment after one more event.

        Raises:
            InvalidTransition: The event belongs to another deployment or names a step that no plan holds.
        """
        if event.deployment != self.id:
            raise InvalidTransition(f"An event of {event.deployment} was applied to {self.id}.", f"event {event.seq}")
        handler = _HANDLERS.get(type(event.payload))
        after = handler(self, event, event.payload) if handler else self
        return replace(after, seq=event.seq)

    def with_step(self, step_id: StepId, **changes: Any) -> Deployment:
        state = self.steps.get(step_id)
        if state is None:
            raise InvalidTransition(f"No step {step_id} in deployment {self.id}.", "fold of its events")
        return replace(self, steps=MappingProxyType({**self.steps, step_id: replace(state, **changes)}))


def begin(event: ev.Event) -> Deployment:
    """Make the deployment that a `DeploymentRequested` opens.

    Raises:
        InvalidTransition: The event is of another kind.
    """
    if not isinstance(event.payload, ev.DeploymentRequested):
        raise InvalidTransition(f"Deployment {event.deployment} does not begin with a request.", f"event {event.seq}")
    request = event.payload
    return Deployment(
        id=event.deployment,
        environment=request.environment,
        plan=request.plan,
        status=DeploymentStatus.REQUESTED,
        requested_by=event.actor,
        requested_at=event.at,
        reason=request.reason,
        request_id=request.request_id,
        emergency=_declared(event, request),
        steps=MappingProxyType({step.id: StepState(step) for step in request.plan.steps}),
        seq=event.seq,
    )


def _declared(event: ev.Event, request: ev.DeploymentRequested) -> Emergency | None:
    if not request.emergency:
        return None
    return declare(request.reason, event.actor, event.at, request.plan.emergency, (Gate.CHECKS, Gate.APPROVALS))


def fold(history: Iterable[ev.Event]) -> Deployment | None:
    """Fold the events of one deployment, oldest first; None for no events."""
    deployment: Deployment | None = None
    for event in history:
        deployment = begin(event) if deployment is None else deployment.apply(event)
    return deployment


def fold_all(history: Iterable[ev.Event]) -> dict[DeploymentId, Deployment]:
    """Fold a mixed stream into its deployments, in the order in which they were requested."""
    deployments: dict[DeploymentId, Deployment] = {}
    for event in history:
        known = deployments.get(event.deployment)
        deployments[event.deployment] = begin(event) if known is None else known.apply(event)
    return deployments


def _on_started(d: Deployment, event: ev.Event, p: ev.DeploymentStarted) -> Deployment:
    return replace(d, status=DeploymentStatus.RUNNING, started_at=event.at, workers=(*d.workers, p.worker))


def _on_adopted(d: Deployment, event: ev.Event, p: ev.DeploymentAdopted) -> Deployment:
    return replace(d, workers=(*d.workers, p.worker))


def _on_step_started(d: Deployment, event: ev.Event, p: ev.StepStarted) -> Deployment:
    known = d.steps.get(p.step)
    anew = known is None or known.status is StepStatus.PENDING or known.started_at is None
    after = d.with_step(
        p.step,
        status=StepStatus.RUNNING,
        attempts=p.attempt,
        started_at=event.at if known is None or anew else known.started_at,
        ended_at=None,
        retry_at=None,
        waiting_until=None,
        operation=None if known is None or (anew and known.settled) else known.operation,
        settled=False,
    )
    return replace(after, status=_active_status(after))


def _on_intended(d: Deployment, event: ev.Event, p: ev.OperationIntended) -> Deployment:
    return d.with_step(p.step, operation=Operation(p.key, intended_at=event.at), detail=p.summary)


def _on_operation_started(d: Deployment, event: ev.Event, p: ev.OperationStarted) -> Deployment:
    state = d.steps.get(p.step)
    operation = state.operation if state and state.operation else Operation(p.key)
    return d.with_step(p.step, operation=replace(operation, key=p.key, reference=p.reference))


def _on_waiting(d: Deployment, event: ev.Event, p: ev.StepWaiting) -> Deployment:
    after = d.with_step(p.step, status=StepStatus.WAITING, detail=p.reason, waiting_until=p.until)
    return replace(after, status=_active_status(after))


def _on_progressed(d: Deployment, event: ev.Event, p: ev.StepProgressed) -> Deployment:
    return d.with_step(p.step, detail=p.detail)


def _on_succeeded(d: Deployment, event: ev.Event, p: ev.StepSucceeded) -> Deployment:
    after = d.with_step(
        p.step,
        status=StepStatus.SUCCEEDED,
        ended_at=event.at,
        detail=p.detail or d.steps[p.step].detail if p.step in d.steps else p.detail,
        outputs=p.outputs,
        waiting_until=None,
    )
    for undone in undone_by(after.steps[p.step].step):
        if undone in after.steps:
            after = after.with_step(undone, status=StepStatus.UNDONE)
    return replace(after, status=_active_status(after))


def _on_failed(d: Deployment, event: ev.Event, p: ev.StepFailed) -> Deployment:
    known = d.steps.get(p.step)
    operation = None if p.settled or known is None else known.operation
    if p.retry_at is not None:
        waiting = StepStatus.WAITING
        return d.with_step(p.step, status=waiting, detail=p.what, retry_at=p.retry_at, operation=operation)
    return d.with_step(
        p.step, status=StepStatus.FAILED, ended_at=event.at, detail=p.what, retry_at=None, settled=p.settled
    )


def _on_skipped(d: Deployment, event: ev.Event, p: ev.StepSkipped) -> Deployment:
    after = d.with_step(p.step, status=StepStatus.SKIPPED, ended_at=event.at, detail=p.reason, asked=False)
    return replace(after, status=_active_status(after))


def _on_asked(d: Deployment, event: ev.Event, p: ev.PersonAsked) -> Deployment:
    after = d.with_step(p.step, asked=True)
    return replace(after, status=_active_status(after))


def _on_retried(d: Deployment, event: ev.Event, p: ev.StepRetried) -> Deployment:
    after = d.with_step(p.step, status=StepStatus.PENDING, ended_at=None, asked=False)
    return replace(after, status=_active_status(after))


def _on_interrupted(d: Deployment, event: ev.Event, p: ev.StepInterrupted) -> Deployment:
    status = StepStatus.LOST if p.lost else StepStatus.SKIPPED
    return d.with_step(p.step, status=status, ended_at=event.at, detail=p.reason, waiting_until=None, retry_at=None)


def _on_traffic(d: Deployment, event: ev.Event, p: ev.TrafficShifted) -> Deployment:
    return replace(d, traffic=(*d.traffic, TrafficRecord(event.at, p.service, dict(p.weights))))


def _on_judged(d: Deployment, event: ev.Event, p: ev.StageJudged) -> Deployment:
    return replace(d, verdicts=(*d.verdicts, VerdictRecord(event.at, p.step, p.verdict, p.service)))


def _on_configuration(d: Deployment, event: ev.Event, p: ev.ConfigurationRecorded) -> Deployment:
    others = tuple(record for record in d.configurations if record.step != p.record.step)
    return replace(d, configurations=(*others, p.record))


def _on_control(d: Deployment, event: ev.Event, p: ev.ControlReceived) -> Deployment:
    record = ControlRecord(event.at, event.actor, p.control, p.step, p.reason)
    return replace(d, controls=(*d.controls, record))


def _on_paused(d: Deployment, event: ev.Event, p: ev.DeploymentPaused) -> Deployment:
    return replace(d, status=DeploymentStatus.PAUSED, paused_by=event.actor)


def _on_continued(d: Deployment, event: ev.Event, p: ev.DeploymentContinued) -> Deployment:
    after = replace(d, paused_by=None, status=DeploymentStatus.RUNNING)
    return replace(after, status=_active_status(after))


def _on_renewed(d: Deployment, event: ev.Event, p: ev.EmergencyRenewed) -> Deployment:
    if d.emergency is None:
        return d
    asked_by = tuple(dict.fromkeys((*d.emergency.asked_by, event.actor)))
    return replace(d, emergency=replace(d.emergency, expires_at=p.expires_at, asked_by=asked_by))


def _on_review_traced(d: Deployment, event: ev.Event, p: ev.ReviewTraced) -> Deployment:
    return _with_review(d, traced_at=p.where, trace_closed=p.closed)


def _on_review_closed(d: Deployment, event: ev.Event, p: ev.ReviewClosed) -> Deployment:
    return _with_review(d, closed_at=event.at, closed_by=event.actor, comment=p.comment)


def _with_review(d: Deployment, **changes: Any) -> Deployment:
    if d.emergency is None or d.emergency.review is None:
        return d
    return replace(d, emergency=replace(d.emergency, review=replace(d.emergency.review, **changes)))


def _on_rollback_requested(d: Deployment, event: ev.Event, p: ev.RollbackRequested) -> Deployment:
    rollback = Rollback(p.trigger, p.reason, event.actor, p.requested_at, p.services, restores_data=p.restores_data)
    return replace(d, status=DeploymentStatus.ROLLING_BACK, rollback=rollback, paused_by=None, ended_at=None)


def _on_rollback_planned(d: Deployment, event: ev.Event, p: ev.RollbackPlanned) -> Deployment:
    steps = {**d.steps, **{step.id: StepState(step) for step in p.steps}}
    rollback = replace(d.rollback, steps=tuple(step.id for step in p.steps)) if d.rollback else None
    return replace(d, steps=MappingProxyType(steps), rollback=rollback)


def _on_traffic_restored(d: Deployment, event: ev.Event, p: ev.TrafficRestored) -> Deployment:
    return replace(d, rollback=replace(d.rollback, traffic_restored_at=event.at)) if d.rollback else d


def _on_end(status: DeploymentStatus) -> Callable[[Deployment, ev.Event, Any], Deployment]:
    def end(d: Deployment, event: ev.Event, p: Any) -> Deployment:
        rollback = replace(d.rollback, ended_at=event.at) if d.rollback else None
        return replace(
            d,
            status=status,
            ended_at=event.at,
            rollback=rollback,
            paused_by=None,
            failure=getattr(p, "reason", ""),
            left_behind=getattr(p, "services", {}),
        )

    return end


def _active_status(d: Deployment) -> DeploymentStatus:
    """A deployment waits when nothing of it runs and something waits for a person."""
    if d.status in {DeploymentStatus.PAUSED, DeploymentStatus.ROLLING_BACK} or d.status.is_terminal:
        return d.status
    states = d.steps.values()
    runs = any(state.status is StepStatus.RUNNING for state in states)
    waits = any(state.asked or (state.status is StepStatus.WAITING and state.retry_at is None) for state in states)
    return DeploymentStatus.WAITING if waits and not runs else DeploymentStatus.RUNNING


_HANDLERS: dict[type[Any], Callable[[Deployment, ev.Event, Any], Deployment]] = {
    ev.DeploymentStarted: _on_started,
    ev.DeploymentAdopted: _on_adopted,
    ev.StepStarted: _on_step_started,
    ev.OperationIntended: _on_intended,
    ev.OperationStarted: _on_operation_started,
    ev.StepWaiting: _on_waiting,
    ev.StepProgressed: _on_progressed,
    ev.StepSucceeded: _on_succeeded,
    ev.StepFailed: _on_failed,
    ev.StepSkipped: _on_skipped,
    ev.PersonAsked: _on_asked,
    ev.StepRetried: _on_retried,
    ev.StepInterrupted: _on_interrupted,
    ev.TrafficShifted: _on_traffic,
    ev.StageJudged: _on_judged,
    ev.ConfigurationRecorded: _on_configuration,
    ev.ControlReceived: _on_control,
    ev.DeploymentPaused: _on_paused,
    ev.DeploymentContinued: _on_continued,
    ev.EmergencyRenewed: _on_renewed,
    ev.ReviewTraced: _on_review_traced,
    ev.ReviewClosed: _on_review_closed,
    ev.RollbackRequested: _on_rollback_requested,
    ev.RollbackPlanned: _on_rollback_planned,
    ev.TrafficRestored: _on_traffic_restored,
    ev.DeploymentSucceeded: _on_end(DeploymentStatus.SUCCEEDED),
    ev.DeploymentRolledBack: _on_end(DeploymentStatus.ROLLED_BACK),
    ev.DeploymentAborted: _on_end(DeploymentStatus.ABORTED),
    ev.DeploymentFailed: _on_end(DeploymentStatus.FAILED),
}


def undone_by(step: Step) -> tuple[StepId, ...]:
    """The steps that an undo takes back: its own, and those whose undo would have been the very same act."""
    if step.undoes is None:
        return ()
    also = step.arguments.get("also_undoes", ())
    return (step.undoes, *(StepId(str(name)) for name in also)) if isinstance(also, list | tuple) else (step.undoes,)


def steps_in_order(deployment: Deployment) -> tuple[StepState, ...]:
    """The plan's steps, then the rollback's, each in plan order."""
    return tuple(deployment.steps.values())


def is_rollback_step(state: StepState) -> bool:
    return state.step.phase is Phase.ROLLBACK
