"""The jump to 100 %: which stages it leaves out. Pure: a fold in, events out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from console.domain import events as ev
from console.domain.deployment import Deployment, StepState, StepStatus
from console.domain.errors import Refused
from console.domain.ids import Actor, ServiceName, StepId
from console.domain.plan import StepKind

FULL = 100
MET = frozenset({StepStatus.SUCCEEDED, StepStatus.SKIPPED, StepStatus.UNDONE})
STAGES = frozenset({StepKind.SHIFT, StepKind.BAKE})


def skip_to_full(deployment: Deployment, step: StepId | None, actor: Actor) -> tuple[ev.StepSkipped, ...]:
    """Leave out what is still to come below 100 % of every service that is at a stage, or of the step's."""
    words = f"promoted to {FULL} % by {actor}"
    return tuple(
        ev.StepSkipped(state.step.id, words)
        for service in _at_a_stage(deployment, step)
        for state in _stages_of(deployment, service)
        if weight_of(deployment, state) < FULL and _is_still_to_come(deployment, state)
    )


def _is_still_to_come(deployment: Deployment, state: StepState) -> bool:
    """One whose needs are all met may be beginning at this moment: it is let go on."""
    if state.status is not StepStatus.PENDING or state.started_at is not None:
        return False
    return any(deployment.steps[need].status not in MET for need in state.step.needs)


def refuse_full(deployment: Deployment, step: StepId | None) -> None:
    """Raises Refused where no service is held below 100 %."""
    if deployment.rollback is None and not any(_at_a_stage(deployment, step)):
        what = f"step {step}" if step else "no service"
        words = f"Deployment {deployment.id}: {what} is at a stage below {FULL} %."
        raise Refused(words, "", "There is nothing to leave out.")


def _at_a_stage(deployment: Deployment, step: StepId | None) -> Iterator[ServiceName]:
    """Services that have some of the requests, are to get all, and are not there yet."""
    wanted = deployment.steps[step].step.service if step is not None and step in deployment.steps else None
    for service in deployment.plan.services:
        if step is not None and service != wanted:
            continue
        stages = list(_stages_of(deployment, service))
        begun = any(state.started_at is not None for state in stages)
        if any("updated" in state.step.arguments for state in stages):
            if begun and any(_is_held_below_full(deployment, state) for state in stages):
                yield service
            continue
        last = [s for s in stages if s.step.kind is StepKind.SHIFT and weight_of(deployment, s) == FULL]
        if begun and last and last[0].started_at is None and last[0].status is StepStatus.PENDING:
            yield service


def _is_held_below_full(deployment: Deployment, state: StepState) -> bool:
    """Of instances every move stays: they change all the same, only nobody waits for verdicts on the way."""
    is_open = not state.status.is_terminal
    return state.step.kind is StepKind.BAKE and is_open and weight_of(deployment, state) < FULL


def _stages_of(deployment: Deployment, service: ServiceName) -> Iterator[StepState]:
    planned = {step.id for step in deployment.plan.steps if step.service == service and step.kind in STAGES}
    return (state for key, state in deployment.steps.items() if key in planned)


def weight_of(deployment: Deployment, state: StepState) -> int:
    """Percent of the requests that the new release has at a stage; all where it cannot be told."""
    arguments = state.step.arguments
    weight = arguments.get("weight", FULL)
    if state.step.kind is StepKind.SHIFT:
        weights = arguments.get("weights")
        candidate = deployment.plan.candidate_arms.get(str(state.step.service), "")
        weight = weights.get(candidate, FULL) if isinstance(weights, Mapping) else FULL
    return weight if isinstance(weight, int) else FULL
