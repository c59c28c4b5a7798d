"""The way back: the undos of what a deployment began, traffic first, as a graph of the same shape as a plan.

Order: a login that was taken away is given back before all else, and a holding page goes up again. A source that takes
no writes takes them again beside all else. Then (0) a schema that old releases do not fit any longer is taken back,
and arms that were retired get their variables back, come back themselves and prove their health, (1) traffic returns,
each service waiting only for its own arm, (2) variables are put back, so that no old release starts with new ones, (3)
everything else in reverse, once all traffic is back, (4) holding pages go away, (5) the announcement. Pure and
repeatable: asked again after a rollback that failed, it leaves out what is undone already.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from console.domain.deployment import Deployment, StepState, StepStatus
from console.domain.ids import ServiceName, StepId
from console.domain.plan import TRAFFIC_KINDS, Phase, Step, StepKind
from console.planning.configuration import lost_names
from console.planning.holding import hold_steps
from console.planning.restoring import say_restores, with_restores
from console.planning.rolling_back import RolledService, find_rolled
from console.planning.undos import Member, health_after, merge, undo_id, undo_step

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


def build_rollback(
    deployment: Deployment, services: Collection[ServiceName] = (), *, restores: bool | None = None
) -> tuple[Step, ...]:
    """Build the rollback's steps, in an order that respects their needs.

    Args:
        services: Take back only these (a partial rollback); empty takes back all.
        restores: Databases go back to their backups where nothing else takes their migrations back; None does what
            was said when the rollback was asked for.

    Each step has phase ROLLBACK and `undoes` set; its arguments are the undo's, with the outputs of the undone step
    under `outputs`. Where several steps share one undo (three shifts, one way back) it appears once, for the first of
    them, and the others are named in its argument `also_undoes`.
    """
    every = merge(_begun(deployment, frozenset(services), restores=restores))
    rolled = find_rolled(deployment, every, services)
    instances = {m.id for each in rolled for m in (each.shift, *each.changed) if m is not None}
    members = tuple(m for m in every if m.id not in instances)
    revived = [m for m in members if m.step.kind is StepKind.REVOKE_SECRET]
    shown = [m for m in members if m.undo.kind is StepKind.MAINTAIN and m.undo.arguments.get("on")]
    pages = [m for m in members if m.undo.kind is StepKind.MAINTAIN and m not in shown]
    opening = [m for m in members if m.step.kind is StepKind.FENCE_SOURCE]
    members = tuple(m for m in members if m not in (*revived, *shown, *pages, *opening))
    contracts = [m for m in members if m.step.phase is Phase.DECOMMISSION and m.step.kind is StepKind.MIGRATE]
    returning = [m for m in members if m.step.phase is Phase.DECOMMISSION and m not in contracts]
    traffic = [m for m in members if m not in returning and m.step.kind in TRAFFIC_KINDS]
    announced = [m for m in members if m.step.kind is StepKind.ANNOUNCE]
    configured = [m for m in members if m.step.kind is StepKind.CONFIGURE]
    rest = [m for m in members if m not in (*returning, *traffic, *announced, *configured)]

    steps: list[Step] = []
    ready: dict[ServiceName | None, list[StepId]] = {}
    early = [m for m in configured if any(_is_of_one_arm(m, other) for other in returning)]
    steps += [undo_step(member, ()) for member in early]
    stopped = {r.step.id for r in returning}
    schema = [m for m in rest if m in contracts or (m.step.kind is StepKind.MIGRATE and stopped & {*m.step.needs})]
    rest = [m for m in rest if m not in schema]
    steps += [undo_step(member, ()) for member in schema]
    for member in returning:
        back = [undo_step(member, [m.id for m in (*schema, *(e for e in early if _is_of_one_arm(e, member)))])]
        back += health_after(deployment, member)
        steps += back
        ready.setdefault(member.step.service, []).append(back[-1].id)
    for member in traffic:
        steps.append(undo_step(member, [*ready.get(member.step.service, ()), *(m.id for m in contracts)]))
    for each in rolled:
        steps += each.lead_away()
    gate = _ends_of(steps)
    steps += [undo_step(member, gate) for member in configured if member not in early]
    steps += _in_reverse(deployment, rest, rolled, configured, gate)
    first = [undo_step(member, ()) for member in (*revived, *shown)]
    opened = tuple(step.id for step in first)
    steps = [*first, *(step if step.needs else replace(step, needs=opened) for step in steps)]
    steps = [*(undo_step(member, ()) for member in opening), *steps]
    if steps:
        pushes = [push for push in deployment.plan.pushes if not services or push.service in services]
        steps += hold_steps(pushes, gate, every[0].step if every else deployment.plan.steps[0])
    steps += _pages_away(deployment, pages, _ends_of(steps))
    ends = _ends_of(steps)
    return (*steps, *(undo_step(member, ends) for member in announced))


def _in_reverse(
    deployment: Deployment,
    rest: Sequence[Member],
    rolled: Sequence[RolledService],
    configured: Sequence[Member],
    gate: tuple[StepId, ...],
) -> list[Step]:
    """Against the plan's order. A service with instances goes back as a whole, where its last one stands."""
    steps: list[Step] = []
    whole = {member.id: each for each in rolled for member in each.changed}
    both = [*rest, *(member for each in rolled for member in each.changed)]
    order = {step.id: place for place, step in enumerate(deployment.plan.steps)}
    nearest = _nearest_later(deployment.plan.steps, {member.step.id for member in both})
    ends: dict[StepId, tuple[StepId, ...]] = {}
    for member in sorted(both, key=lambda one: -order[one.step.id]):
        each = whole.get(member.id)
        if member.id in ends:
            continue
        parts = (member,) if each is None else each.changed
        own_ids = {part.id for part in parts}
        later = [undo_id(step) for part in parts for step in nearest[part.step.id]]
        makes_secret = member.step.kind is StepKind.MAKE_SECRET
        own = tuple(m.id for m in configured if makes_secret or m.step.service == member.step.service)
        needs = (*gate, *own, *(end for undo in later if undo not in own_ids for end in ends[undo]))
        found = [undo_step(member, needs)] if each is None else each.return_all(deployment, needs)
        steps += found
        ends |= dict.fromkeys(own_ids, _ends_of(found))
    steps += [step for each in rolled if not each.changed for step in each.return_all(deployment, gate)]
    return steps


def _ends_of(steps: Sequence[Step]) -> tuple[StepId, ...]:
    return tuple(step.id for step in steps if not any(step.id in other.needs for other in steps))


def _pages_away(deployment: Deployment, pages: Sequence[Member], ends: tuple[StepId, ...]) -> list[Step]:
    """Nobody sees the services again before everything is back, and what they run then is well."""
    checks = [replace(check, needs=ends) for member in pages for check in health_after(deployment, member)]
    needs = (*ends, *(check.id for check in checks))
    return [*checks, *(undo_step(member, needs) for member in pages)]


def traffic_undos(deployment: Deployment) -> frozenset[StepId]:
    """The rollback's steps after whose success all traffic is back; empty when none was moved."""
    traffic = {step.id for step in deployment.plan.steps if step.kind in TRAFFIC_KINDS}
    return frozenset(
        state.step.id
        for state in deployment.steps.values()
        if state.step.phase is Phase.ROLLBACK and state.step.undoes in traffic
    )


def name_irreversible(
    deployment: Deployment, services: Collection[ServiceName] = (), *, restores: bool = False
) -> tuple[str, ...]:
    """Say in words what a rollback now could not take back."""
    begun = [state.step for state in _begun(deployment, frozenset(services), restores=restores)]
    return (
        *(
            f"{step.name}: {step.no_undo or 'it has no undo.'}"
            for step in begun
            if step.undo is None and _changes_what_serves(step)
        ),
        *(f"{step.name}: nobody has the earlier {', '.join(lost_names(step))}." for step in begun if lost_names(step)),
    )


def name_restorable(deployment: Deployment, services: Collection[ServiceName] = ()) -> tuple[str, ...]:
    """Say in words which databases a backup could take back, and nothing else."""
    return tuple(say_restores(deployment, _begun(deployment, frozenset(services), restores=False)))


def has_revoked(deployment: Deployment) -> bool:
    """Whether what was before it is void: a secret that the old state needs was given up for good."""
    return any(
        state.step.kind is StepKind.REVOKE_SECRET and not state.step.undo and state.status is StepStatus.SUCCEEDED
        for state in deployment.steps.values()
    )


def _changes_what_serves(step: Step) -> bool:
    return step.kind in IRREVERSIBLE or (step.kind is StepKind.DEPLOY and step.phase is Phase.ROLLOUT)


def _begun(deployment: Deployment, services: frozenset[ServiceName], *, restores: bool | None) -> tuple[StepState, ...]:
    """States of the plan's steps that may have touched a platform and still stand, in plan order."""
    if restores is None:
        restores = deployment.rollback is not None and deployment.rollback.restores_data
    also_undone = {
        str(other)
        for state in deployment.steps.values()
        if state.step.undoes is not None and state.status is StepStatus.SUCCEEDED
        for other in _names(state.step.arguments.get("also_undoes"))
    }
    states = (deployment.steps[step.id] for step in deployment.plan.steps)
    begun = tuple(
        state
        for state in states
        if state.was_begun
        and state.step.id not in also_undone
        and (not services or state.step.service is None or state.step.service in services)
    )
    return with_restores(deployment, begun) if restores else begun


def _is_of_one_arm(one: Member, other: Member) -> bool:
    return one.step.service == other.step.service and one.undo.arguments.get("arm") == other.undo.arguments.get("arm")


def _names(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


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
