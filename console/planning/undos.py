"""One undo to run and the step it becomes, with the check that follows where something comes back by it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from console.domain.deployment import Deployment, StepState
from console.domain.ids import StepId
from console.domain.plan import Phase, Step, StepKind, Undo

PATIENCE = 10
"""Attempts at an undo that meets passing troubles."""


@dataclass(frozen=True)
class Member:
    """One undo to run: the step it takes back, and later steps whose undo is the very same act."""

    state: StepState
    undo: Undo
    same: tuple[StepId, ...] = ()

    @property
    def step(self) -> Step:
        return self.state.step

    @property
    def id(self) -> StepId:
        return undo_id(self.step.id)


def undo_id(step: StepId) -> StepId:
    return StepId(f"undo:{step}")


def merge(states: Sequence[StepState]) -> tuple[Member, ...]:
    """Keep the first step of each distinct undo: done for the first it is done for all, and nothing later redoes it."""
    members: list[Member] = []
    for state in states:
        undo = state.step.undo
        if undo is None:
            continue
        twin = next((i for i, m in enumerate(members) if _is_same(m, state.step, undo)), None)
        if twin is None:
            members.append(Member(state, undo))
        else:
            members[twin] = replace(members[twin], same=(*members[twin].same, state.step.id))
    return tuple(members)


def _is_same(member: Member, step: Step, undo: Undo) -> bool:
    same_act = member.undo.kind is undo.kind and dict(member.undo.arguments) == dict(undo.arguments)
    same_group = (member.step.phase is Phase.DECOMMISSION) == (step.phase is Phase.DECOMMISSION)
    return same_act and same_group and member.step.provider == step.provider


def undo_step(member: Member, needs: Collection[StepId]) -> Step:
    step, undo = member.step, member.undo
    arguments: dict[str, object] = {**undo.arguments, "outputs": dict(member.state.outputs)}
    if member.same:
        arguments["also_undoes"] = list(member.same)
    return Step(
        id=member.id,
        name=undo.name,
        kind=undo.kind,
        phase=Phase.ROLLBACK,
        service=step.service,
        provider=step.provider,
        arguments=arguments,
        needs=tuple(dict.fromkeys(needs)),
        undoes=step.id,
        no_undo="It is an undo itself.",
        time_limit=step.time_limit,
        forecast=step.forecast,
        attempts=max(step.attempts, PATIENCE),
    )


def health_after(deployment: Deployment, member: Member) -> list[Step]:
    """The arm that comes back must be well before it gets traffic, by the same check that the new one passed."""
    url = member.undo.arguments.get("url")
    check = next(
        (s for s in deployment.plan.steps if s.service == member.step.service and s.kind is StepKind.HEALTH), None
    )
    if not url or check is None:
        return []
    arguments: Mapping[str, object] = {**check.arguments, "url": url, "arm": member.undo.arguments.get("arm", "")}
    return [
        Step(
            id=StepId(f"{member.id}.health"),
            name=f"Check the health of {arguments['arm'] or member.step.service}",
            kind=StepKind.HEALTH,
            phase=Phase.ROLLBACK,
            service=member.step.service,
            provider=check.provider,
            arguments=arguments,
            needs=(member.id,),
            no_undo="It changes nothing.",
            time_limit=check.time_limit,
            forecast=check.forecast,
            attempts=check.attempts,
        )
    ]
