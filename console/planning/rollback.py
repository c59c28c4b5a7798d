"""The way back: the undos of what a deployment began, traffic first, as a graph of the same shape as a plan.

Order: a login that was taken away is given back before all else, and a holding page goes up again. Then (0) a schema
for which arms were stopped is taken back, and arms that were retired get their variables back, come back themselves and
prove their health, (1) traffic returns, each service waiting only for its own arm, (2) variables are put back, so that
no old release starts with new ones, (3) everything else in reverse, once all traffic is back, (4) holding pages go
away, (5) the announcement. Pure and repeatable: asked again after a rollback that failed, it leaves out what is undone
already.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from console.domain.deployment import Deployment, StepState, StepStatus
from console.domain.ids import ServiceName, StepId
from console.domain.plan import TRAFFIC_KINDS, Phase, Step, StepKind, Undo
from console.planning.configuration import lost_names
from console.planning.holding import hold_steps

PATIENCE = 10
IRREVERSIBLE = frozenset(
    {
        StepKind.MIGRATE,
        StepKind.PROMOTE,
        StepKind.SHIFT,
        StepKind.SUSPEND,
        StepKind.REVOKE_SECRET,
        StepKind.PROMOTE_STANDBY,
        StepKind.POINT_NAME,
    }
)


@dataclass(frozen=True)
class _Member:
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


def build_rollback(deployment: Deployment, services: Collection[ServiceName] = ()) -> tuple[Step, ...]:
    """Build the rollback's steps, in an order that respects their needs.

    Args:
        services: Take back only these (a partial rollback); empty takes back all.

    Each step has phase ROLLBACK and `undoes` set; its arguments are the undo's, with the outputs of the undone step
    under `outputs`. Where several steps share one undo (three shifts, one way back) it appears once, for the first of
    them, and the others are named in its argument `also_undoes`.
    """
    members = _merge(_begun(deployment, frozenset(services)))
    revived = [m for m in members if m.step.kind is StepKind.REVOKE_SECRET]
    shown = [m for m in members if m.undo.kind is StepKind.MAINTAIN and m.undo.arguments.get("on")]
    pages = [m for m in members if m.undo.kind is StepKind.MAINTAIN and m not in shown]
    members = tuple(m for m in members if m not in (*revived, *shown, *pages))
    returning = [m for m in members if m.step.phase is Phase.DECOMMISSION]
    traffic = [m for m in members if m not in returning and m.step.kind in TRAFFIC_KINDS]
    announced = [m for m in members if m.step.kind is StepKind.ANNOUNCE]
    configured = [m for m in members if m.step.kind is StepKind.CONFIGURE]
    rest = [m for m in members if m not in (*returning, *traffic, *announced, *configured)]

    steps: list[Step] = []
    ready: dict[ServiceName | None, list[StepId]] = {}
    early = [m for m in configured if any(_is_of_one_arm(m, other) for other in returning)]
    steps += [_undo_step(member, ()) for member in early]
    schema = [m for m in rest if m.step.kind is StepKind.MIGRATE and {r.step.id for r in returning} & {*m.step.needs}]
    rest = [m for m in rest if m not in schema]
    steps += [_undo_step(member, ()) for member in schema]
    for member in returning:
        back = [_undo_step(member, [m.id for m in (*schema, *(e for e in early if _is_of_one_arm(e, member)))])]
        back += _health_after(deployment, member)
        steps += back
        ready.setdefault(member.step.service, []).append(back[-1].id)
    for member in traffic:
        steps.append(_undo_step(member, ready.get(member.step.service, ())))
    gate = tuple(step.id for step in steps if not any(step.id in other.needs for other in steps))
    steps += [_undo_step(member, gate) for member in configured if member not in early]
    nearest = _nearest_later(deployment.plan.steps, {member.step.id for member in rest})
    for member in reversed(rest):
        later = tuple(undo_id(step) for step in nearest[member.step.id])
        makes_secret = member.step.kind is StepKind.MAKE_SECRET
        own = tuple(m.id for m in configured if makes_secret or m.step.service == member.step.service)
        steps.append(_undo_step(member, (*gate, *own, *later)))
    first = [_undo_step(member, ()) for member in (*revived, *shown)]
    opened = tuple(step.id for step in first)
    steps = [*first, *(step if step.needs else replace(step, needs=opened) for step in steps)]
    if steps:
        pushes = [push for push in deployment.plan.pushes if not services or push.service in services]
        steps += hold_steps(pushes, gate, (*members, *revived, *shown)[0].step)
    steps += _pages_away(deployment, pages, _ends_of(steps))
    ends = _ends_of(steps)
    return (*steps, *(_undo_step(member, ends) for member in announced))


def _ends_of(steps: Sequence[Step]) -> tuple[StepId, ...]:
    return tuple(step.id for step in steps if not any(step.id in other.needs for other in steps))


def _pages_away(deployment: Deployment, pages: Sequence[_Member], ends: tuple[StepId, ...]) -> list[Step]:
    """Nobody sees the services again before everything is back, and what they run then is well."""
    checks = [replace(check, needs=ends) for member in pages for check in _health_after(deployment, member)]
    needs = (*ends, *(check.id for check in checks))
    return [*checks, *(_undo_step(member, needs) for member in pages)]


def traffic_undos(deployment: Deployment) -> frozenset[StepId]:
    """The rollback's steps after whose success all traffic is back; empty when none was moved."""
    traffic = {step.id for step in deployment.plan.steps if step.kind in TRAFFIC_KINDS}
    return frozenset(
        state.step.id
        for state in deployment.steps.values()
        if state.step.phase is Phase.ROLLBACK and state.step.undoes in traffic
    )


def name_irreversible(deployment: Deployment, services: Collection[ServiceName] = ()) -> tuple[str, ...]:
    """Say in words what a rollback now could not take back."""
    begun = [state.step for state in _begun(deployment, frozenset(services))]
    return (
        *(
            f"{step.name}: {step.no_undo or 'it has no undo.'}"
            for step in begun
            if step.undo is None and _changes_what_serves(step)
        ),
        *(f"{step.name}: nobody has the earlier {', '.join(lost_names(step))}." for step in begun if lost_names(step)),
    )


def has_revoked(deployment: Deployment) -> bool:
    """Whether what was before it is void: a secret that the old state needs was given up for good."""
    return any(
        state.step.kind is StepKind.REVOKE_SECRET and not state.step.undo and state.status is StepStatus.SUCCEEDED
        for state in deployment.steps.values()
    )


def _changes_what_serves(step: Step) -> bool:
    return step.kind in IRREVERSIBLE or (step.kind is StepKind.DEPLOY and step.phase is Phase.ROLLOUT)


def _begun(deployment: Deployment, services: frozenset[ServiceName]) -> tuple[StepState, ...]:
    """States of the plan's steps that may have touched a platform and still stand, in plan order."""
    also_undone = {
        str(other)
        for state in deployment.steps.values()
        if state.step.undoes is not None and state.status is StepStatus.SUCCEEDED
        for other in _names(state.step.arguments.get("also_undoes"))
    }
    states = (deployment.steps[step.id] for step in deployment.plan.steps)
    return tuple(
        state
        for state in states
        if state.was_begun
        and state.step.id not in also_undone
        and (not services or state.step.service is None or state.step.service in services)
    )


def _is_of_one_arm(one: _Member, other: _Member) -> bool:
    return one.step.service == other.step.service and one.undo.arguments.get("arm") == other.undo.arguments.get("arm")


def _names(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


def _merge(states: Sequence[StepState]) -> tuple[_Member, ...]:
    """Keep the first step of each distinct undo: done for the first it is done for all, and nothing later redoes it."""
    members: list[_Member] = []
    for state in states:
        undo = state.step.undo
        if undo is None:
            continue
        twin = next((i for i, m in enumerate(members) if _is_same(m, state.step, undo)), None)
        if twin is None:
            members.append(_Member(state, undo))
        else:
            members[twin] = replace(members[twin], same=(*members[twin].same, state.step.id))
    return tuple(members)


def _is_same(member: _Member, step: Step, undo: Undo) -> bool:
    same_act = member.undo.kind is undo.kind and dict(member.undo.arguments) == dict(undo.arguments)
    same_group = (member.step.phase is Phase.DECOMMISSION) == (step.phase is Phase.DECOMMISSION)
    return same_act and same_group and member.step.provider == step.provider


def _undo_step(member: _Member, needs: Collection[StepId]) -> Step:
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


def _health_after(deployment: Deployment, member: _Member) -> list[Step]:
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


def _nearest_later(steps: Sequence[Step], chosen: Collection[StepId]) -> dict[StepId, tuple[StepId, ...]]:
    """For every step, the chosen ones that need it with no other chosen one between."""
    dependants: dict[StepId, list[StepId]] = {step.id: [] for step in steps}
    for step in steps:
        for need in step.needs:
            dependants.setdefault(need, []).append(step.id)
    nearest: dict[StepId, tuple[StepId, ...]] = {}
    for step in reversed(steps):
        found: dict[StepId, None] = {}
        for later in dependants[step.id]:
            found.update(dict.fromkeys((later,) if later in chosen else nearest[later]))
        nearest[step.id] = tuple(found)
    return nearest
