"""Steps that keep a platform from making pushes live after a rollback, and those that let it again. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from console.domain.hold import LIFT_HOLD
from console.domain.ids import ProviderName, ServiceName, StepId
from console.domain.plan import Phase, Plan, Push, Step, StepKind, Undo
from console.planning.draft import Draft
from console.planning.risk import judge_risk


def find_pushes(draft: Draft, chosen: Sequence[str]) -> tuple[Push, ...]:
    """Where pushes go live by themselves now, or did before a hold that this deployment lifts."""
    found: list[Push] = []
    for name in chosen:
        placement, live = draft.placement(name), draft.live_of(name)
        on = {key: arm.id for key, arm in placement.places.items() if key in live.arms and live.arms[key].auto_deploy}
        if placement.id and live.auto_deploy:
            on[""] = placement.id
        provider = ProviderName(draft.service(name).provider)
        found += [Push(ServiceName(name), provider, target, arm) for arm, target in on.items()]
    hold = draft.live.hold
    held = [push for push in hold.pushes if push.service in chosen] if hold else []
    return tuple(dict.fromkeys([*found, *held]))


def plan_lift(draft: Draft, steps: Sequence[Step]) -> tuple[Step, ...]:
    """What a deployment does last: what a person made live ends a hold, a return to an earlier release begins one."""
    hold = draft.live.hold
    needed = {need for step in steps for need in step.needs}
    ends = [step.id for step in steps if step.id not in needed]
    places = {step.service for step in steps}
    if draft.wish.returns:
        pushes = find_pushes(draft, [name for name in draft.environment.services if name in places])
        return tuple(_keep(draft, push, ends) for push in pushes)
    if hold is None:
        return ()
    return tuple(_lift(draft, push, ends, alone=False) for push in hold.pushes if push.service in places)


def plan_lifting(draft: Draft, refusals: Sequence[str]) -> Plan:
    """Only that: what was taken back stays away, and pushes go live again."""
    hold = draft.live.hold
    if hold is None:
        refusals = [*refusals, f"{draft.wish.environment} is not held: no release was taken back since the last one."]
    steps = tuple(_lift(draft, push, (), alone=True) for push in (hold.pushes if hold else ()))
    notes = (f"{hold.words}.",) if hold else ()
    return Plan(
        environment=draft.wish.environment,
        strategy=LIFT_HOLD,
        release=draft.release,
        steps=steps,
        services=tuple(dict.fromkeys(push.service for push in (hold.pushes if hold else ()))),
        risk=judge_risk(draft, steps, ()),
        refusals=tuple(refusals),
        notes=notes,
    )


def _lift(draft: Draft, push: Push, needs: Sequence[str], *, alone: bool) -> Step:
    arguments = {"target": push.target, "arm": push.arm}
    undo = Undo(StepKind.HOLD_PUSHES, f"Keep pushes of {push.place} from going live", arguments) if alone else None
    return draft.step(
        f"{push.service}.lift-hold.{push.target}",
        f"Let pushes of {push.place} go live again",
        StepKind.LIFT_HOLD,
        Phase.CLOSE,
        service=push.service,
        provider=push.provider,
        arguments={**arguments, "alone": alone},
        needs=needs,
        undo=undo,
        no_undo="" if undo else "A rollback keeps pushes from going live again.",
    )


def _keep(draft: Draft, push: Push, needs: Sequence[str]) -> Step:
    return draft.step(
        f"{push.service}.hold.{push.target}",
        f"Keep pushes of {push.place} from going live",
        StepKind.HOLD_PUSHES,
        Phase.CLOSE,
        service=push.service,
        provider=push.provider,
        arguments={"target": push.target, "arm": push.arm},
        needs=needs,
        no_undo="`promote` lifts it.",
    )


def hold_steps(pushes: Sequence[Push], needs: Sequence[str], like: Step) -> tuple[Step, ...]:
    """The rollback's part: no push may undo it.

    Args:
        like: A step of the plan, whose limits they share.
    """
    return tuple(
        Step(
            id=StepId(f"hold:{push.service}.{push.target}"),
            name=f"Keep pushes of {push.place} from going live",
            kind=StepKind.HOLD_PUSHES,
            phase=Phase.ROLLBACK,
            service=push.service,
            provider=push.provider,
            arguments={"target": push.target, "arm": push.arm},
            needs=tuple(StepId(need) for need in needs),
            no_undo="`promote` lifts it.",
            time_limit=like.time_limit,
            attempts=like.attempts,
        )
        for push in pushes
    )
