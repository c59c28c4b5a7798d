"""What to do next with a deployment, decided on its record alone. Pure: a fold in, events and steps out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from console.domain import events as ev
from console.domain.deployment import Deployment, DeploymentStatus, StepState, StepStatus, is_rollback_step
from console.domain.failover import is_past_return
from console.domain.ids import Actor, ServiceName, StepId
from console.domain.plan import Phase, Step, StepKind, ready_steps
from console.engine.emergencies import FRAMING, find_void
from console.engine.promotions import skip_to_full
from console.planning.partial import with_halfway
from console.planning.rollback import traffic_undos
from console.planning.standing import describe_standing, name_place

DONE = frozenset({StepStatus.SUCCEEDED, StepStatus.SKIPPED, StepStatus.UNDONE})
UNCHANGING = FRAMING | {StepKind.BACK_UP, StepKind.PROVE_BACKUP}
"""Kinds that change nothing of the product, so that stopping after them is an abort and not a rollback."""

ASK = "ask"
DECIDED_AT_ONCE = frozenset({StepKind.APPROVAL, StepKind.BAKE, StepKind.VERIFY})
"""Kinds whose failure is a verdict already: on a release that people are served by, or by those who were asked."""

TRIALS = frozenset({StepKind.HEALTH, StepKind.INTEGRATION})

RENEWING = frozenset({StepKind.RESTART, StepKind.REDEPLOY})
"""Kinds after which nothing is to be taken back, so that a failure stays one."""

RollbackBuilder = Callable[[Deployment, tuple[ServiceName, ...]], tuple[Step, ...]]


@dataclass(frozen=True)
class Decision:
    """One round: record `events` first, then interrupt, then start. `ended` closes the workflow and frees the lock."""

    events: tuple[ev.Payload, ...] = ()
    start: tuple[StepId, ...] = ()
    interrupt: tuple[StepId, ...] = ()
    ended: bool = False


def decide(
    deployment: Deployment, running: frozenset[StepId], build_rollback: RollbackBuilder, now: datetime, limit: int
) -> Decision:
    """Say what follows from the record.

    Args:
        running: Steps whose executors are under way in this process.
        limit: Steps that may run at once.
    """
    if deployment.is_terminal:
        return Decision(ended=True)
    if deployment.rollback is not None:
        return _decide_rollback(deployment, running, build_rollback, limit)
    return _decide_forward(deployment, running, now, limit)


def _decide_forward(deployment: Deployment, running: frozenset[StepId], now: datetime, limit: int) -> Decision:
    states = {step_id: state for step_id, state in deployment.steps.items() if not is_rollback_step(state)}
    wrong = [s for s in states.values() if s.status in {StepStatus.FAILED, StepStatus.LOST}]
    failed = next((state for state in wrong if not may_ask(deployment, state)), None)
    if failed is not None:
        reason = f"{failed.step.name} failed: {failed.detail}"
        undoable = any(state.was_begun and state.step.undo for state in states.values())
        if not (running or undoable or changed_anything(deployment)):
            return Decision(events=(ev.DeploymentAborted(reason),))
        at = failed.ended_at or now
        return Decision(events=(ev.RollbackRequested(ev.Trigger.AUTOMATIC, reason, at),))
    unasked = tuple(ev.PersonAsked(state.step.id, _question(state)) for state in wrong if not state.asked)
    if unasked:
        return Decision(events=unasked)
    if all(state.status in DONE for state in states.values()):
        return Decision(events=(ev.DeploymentSucceeded(),))
    void = find_void(deployment, now)
    if void and all(deployment.steps[step_id].step.kind in UNCHANGING for step_id in running):
        undoable = any(state.was_begun and state.step.undo for state in states.values())
        if not (running or undoable):
            return Decision(events=(ev.DeploymentAborted(void),))
        return Decision(events=(ev.RollbackRequested(ev.Trigger.AUTOMATIC, void, now),))
    if deployment.status is DeploymentStatus.PAUSED:
        return Decision()
    return Decision(start=_startable(states, running, limit))


def may_ask(deployment: Deployment, state: StepState) -> bool:
    """Whether a person decides on this failure: nobody is served by what failed, and the plan says so."""
    if is_past_return(deployment):
        return True
    step = state.step
    if deployment.plan.on_failure != ASK or state.status is not StepStatus.FAILED or step.kind in DECIDED_AT_ONCE:
        return False
    return not (step.phase is Phase.ROLLOUT and step.kind in TRIALS)


def asked_steps(deployment: Deployment, step: StepId | None = None) -> tuple[StepState, ...]:
    """The failed steps that wait for a person, or the one named."""
    return tuple(s for s in deployment.steps.values() if s.asked and step in {None, s.step.id})


def _question(state: StepState) -> str:
    skip = ", skip it with a reason" if state.step.is_skippable else ""
    return f"{state.step.name} failed: {state.detail} Retry it{skip}, or roll back."


def _decide_rollback(
    deployment: Deployment, running: frozenset[StepId], build_rollback: RollbackBuilder, limit: int
) -> Decision:
    rollback = deployment.rollback
    assert rollback is not None
    # What the record calls ended may still be writing its checkpoint: traffic does not wait for that.
    states = {step_id: deployment.steps[step_id] for step_id in running}
    forward = {key for key, state in states.items() if not is_rollback_step(state) and not state.status.is_terminal}
    if forward:
        return Decision(interrupt=tuple(sorted(forward)))
    if not rollback.steps:
        steps = build_rollback(deployment, rollback.services)
        return Decision(events=(ev.RollbackPlanned(steps),) if steps else _ending(deployment))
    states = {step_id: deployment.steps[step_id] for step_id in rollback.steps}
    if rollback.traffic_restored_at is None and _traffic_is_back(deployment, states):
        return Decision(events=(ev.TrafficRestored(),))
    if all(state.status in DONE for state in states.values()):
        return Decision(events=_ending(deployment))
    startable = _startable(states, running, limit, by_provider=True)
    if not startable and not running:
        return Decision(events=(_stuck(deployment, states),))
    return Decision(start=startable)


def _startable(
    states: Mapping[StepId, StepState], running: frozenset[StepId], limit: int, *, by_provider: bool = False
) -> tuple[StepId, ...]:
    """Steps that may begin; with `by_provider` each platform has the limit to itself, so that none blocks another."""
    finished = frozenset(step_id for step_id, state in states.items() if state.status in DONE)
    # A step that the record calls running, while nothing of it runs here, was left by a dead process: it goes on.
    begun = frozenset(step_id for step_id, state in states.items() if state.status.is_terminal) | running
    ready = ready_steps((state.step for state in states.values()), finished, begun)
    taken = Counter(states[step_id].step.provider if by_provider else None for step_id in running if step_id in states)
    taken[None] += sum(step_id not in states for step_id in running)
    chosen: list[StepId] = []
    for step in ready:
        place = step.provider if by_provider else None
        if taken[place] < limit:
            taken[place] += 1
            chosen.append(step.id)
    return tuple(chosen)


def _traffic_is_back(deployment: Deployment, states: Mapping[StepId, StepState]) -> bool:
    return all(states[step_id].status in DONE for step_id in traffic_undos(deployment) if step_id in states)


def _ending(deployment: Deployment) -> tuple[ev.Payload, ...]:
    rollback = deployment.rollback
    assert rollback is not None
    if not changed_anything(deployment):
        return (ev.DeploymentAborted(rollback.reason),)
    renewed = [state for state in deployment.steps.values() if state.was_begun and state.step.kind in RENEWING]
    if renewed and not rollback.steps:
        return (ev.DeploymentFailed(rollback.reason, describe_standing(deployment, ())),)
    restored = () if rollback.traffic_restored_at is not None else (ev.TrafficRestored(),)
    return (*restored, ev.DeploymentRolledBack())


def _stuck(deployment: Deployment, states: Mapping[StepId, StepState]) -> ev.DeploymentFailed:
    failed = [state for state in states.values() if state.status not in DONE and state.status is not StepStatus.PENDING]
    names = ", ".join(sorted({name_place(state) for state in failed}))
    return ev.DeploymentFailed(
        f"The rollback could not take back {names}; a person must.", describe_standing(deployment, failed)
    )


def changed_anything(deployment: Deployment) -> bool:
    """Whether any step that touches the product was begun."""
    return any(
        state.started_at is not None and state.step.kind not in UNCHANGING
        for state in deployment.steps.values()
        if not is_rollback_step(state) and (state.operation is not None or state.step.undo is not None)
    )


def reply_to(
    deployment: Deployment,
    control: ev.Control,
    actor: Actor,
    at: datetime,
    request: ev.ControlReceived,
    services: tuple[ServiceName, ...] = (),
) -> tuple[ev.Payload, ...]:
    """Turn a person's wish into what is recorded. Abort and rollback win over everything else."""
    note: tuple[ev.Payload, ...] = (request,)
    match control:
        case ev.Control.ROLLBACK | ev.Control.ROLLBACK_DATA | ev.Control.ABORT:
            if deployment.rollback is not None and not deployment.is_terminal:
                return note
            words = request.reason or f"{control.value} by {actor}"
            chosen = with_halfway(deployment, services)
            restores = control is ev.Control.ROLLBACK_DATA
            return (*note, ev.RollbackRequested(ev.Trigger.MANUAL, words, at, chosen, restores))
        case ev.Control.PAUSE:
            pausable = deployment.status in {DeploymentStatus.RUNNING, DeploymentStatus.WAITING}
            return (*note, ev.DeploymentPaused(request.reason)) if pausable else note
        case ev.Control.RESUME:
            paused = deployment.status is DeploymentStatus.PAUSED
            return (*note, ev.DeploymentContinued(request.reason)) if paused else note
        case ev.Control.REJECT:
            words = request.reason or f"rejected by {actor}"
            if deployment.rollback is not None:
                return note
            return (*note, ev.RollbackRequested(ev.Trigger.MANUAL, words, at))
        case ev.Control.RETRY if deployment.rollback is None:
            return (*note, *(ev.StepRetried(state.step.id) for state in asked_steps(deployment, request.step)))
        case ev.Control.SKIP if deployment.rollback is None:
            words = f"skipped by {actor}: {request.reason}"
            skipped = [state.step for state in asked_steps(deployment, request.step) if state.step.is_skippable]
            return (*note, *(ev.StepSkipped(step.id, words) for step in skipped))
        case ev.Control.PROMOTE_FULL if deployment.rollback is None:
            return (*note, *skip_to_full(deployment, request.step, actor))
        case ev.Control.RENEW if deployment.emergency is not None and deployment.emergency.valid is not None:
            return (*note, ev.EmergencyRenewed(request.reason, at + deployment.emergency.valid))
        case _:
            return note
