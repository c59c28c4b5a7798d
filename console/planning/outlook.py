"""What a plan tells besides its steps: the map of services, what changes, the shortest way there, the longest back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from console.domain.deployment import Deployment, DeploymentStatus, StepState, StepStatus
from console.domain.events import SYSTEM
from console.domain.ids import DeploymentId, ServiceName, StepId
from console.domain.outlook import Bound, Outlook, Spread, VariableNames
from console.domain.plan import Plan, Step, StepKind
from console.planning.draft import Draft
from console.planning.rollback import build_rollback

SHOWN_COMMITS = 30
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def foresee(draft: Draft, plan: Plan) -> Outlook:
    """Add up what is known of a plan that was built from the draft."""
    needs = _needs(draft, plan.services)
    return Outlook(
        waves=_waves(plan.services, needs),
        needs=needs,
        commits=None if draft.live.commits is None else draft.live.commits[-SHOWN_COMMITS:],
        variables=tuple(_variables(plan.steps)),
        migrations=tuple(_migrations(plan.steps)),
        spreads=_spreads(draft, plan.steps),
        promotion=_shortest(draft, plan.steps),
        rollback=_longest_way_back(draft, plan),
        takeover=plan.outlook.takeover,
        others=tuple(
            f"{lock.environment}: {lock.deployment} of {lock.holder} since {lock.since:%H:%M:%S} UTC, {lock.reason}"
            for lock in draft.live.others
        ),
    )


def _needs(draft: Draft, services: Sequence[ServiceName]) -> dict[ServiceName, tuple[ServiceName, ...]]:
    """What each service waits for among those that move; a need that does not move passes its own on."""

    def moving(name: str) -> Iterable[ServiceName]:
        for need in draft.service(name).needs:
            if need in services:
                yield ServiceName(need)
            elif need in draft.environment.services:
                yield from moving(need)

    return {name: tuple(dict.fromkeys(moving(name))) for name in services}


def _waves(
    services: Sequence[ServiceName], needs: dict[ServiceName, tuple[ServiceName, ...]]
) -> tuple[tuple[ServiceName, ...], ...]:
    """Services come after what they need, so that one look at each is enough."""
    depth: dict[ServiceName, int] = {}
    for name in services:
        depth[name] = max((depth[need] + 1 for need in needs[name] if need in depth), default=0)
    deepest = max(depth.values(), default=-1)
    return tuple(tuple(name for name in services if depth[name] == level) for level in range(deepest + 1))


def _variables(steps: Iterable[Step]) -> Iterable[VariableNames]:
    for step in steps:
        changes = step.arguments.get("changes")
        if step.kind is not StepKind.CONFIGURE or not isinstance(changes, list) or not changes or not step.service:
            continue
        yield VariableNames(
            step.service,
            str(step.arguments.get("arm", "")),
            added=tuple(str(each["name"]) for each in changes if not each["before"]),
            changed=tuple(str(each["name"]) for each in changes if each["before"] and each["after"]),
            removed=tuple(str(each["name"]) for each in changes if not each["after"]),
        )


def _migrations(steps: Iterable[Step]) -> Iterable[str]:
    for step in steps:
        files = step.arguments.get("files")
        if step.kind is StepKind.MIGRATE and isinstance(files, list):
            yield from (f"{file['version']}_{file['name']}" for file in files)


def _spreads(draft: Draft, steps: Iterable[Step]) -> dict[StepId, Spread]:
    found = {step.id: _spread(draft, step) for step in steps if not _waits_on_purpose(step)}
    return {name: spread for name, spread in found.items() if spread is not None}


def _spread(draft: Draft, step: Step) -> Spread | None:
    return draft.history.spread(draft.wish.environment, step.service, step.kind)


def _waits_on_purpose(step: Step) -> bool:
    return "duration_s" in step.arguments or step.kind is StepKind.APPROVAL


def _shortest(draft: Draft, steps: Sequence[Step]) -> Bound:
    """Every step as fast as it ever was; one that waits on purpose waits its whole time."""

    def least(step: Step) -> timedelta | None:
        spread = None if _waits_on_purpose(step) else _spread(draft, step)
        return spread.shortest if spread else step.forecast

    return _along(replace(step, forecast=least(step)) for step in steps)


def _longest_way_back(draft: Draft, plan: Plan) -> Bound:
    """Every undo as slow as it ever was, else as what it takes back; asked for when everything was done."""
    steps = {step.id: step for step in plan.steps}

    def most(undo: Step) -> timedelta | None:
        spread = _spread(draft, undo)
        if spread is not None:
            return spread.longest
        undone = steps.get(undo.undoes) if undo.undoes else None
        known = _spread(draft, undone) if undone is not None else None
        return known.longest if known else None

    return _along(replace(step, forecast=most(step)) for step in build_rollback(_as_done(plan)))


def _as_done(plan: Plan) -> Deployment:
    """The deployment as it would stand at its very end, with everything still to be taken back."""
    done = {step.id: StepState(step, StepStatus.SUCCEEDED, 1, _ANY_TIME, _ANY_TIME) for step in plan.steps}
    return Deployment(
        DeploymentId("planned"),
        plan.environment,
        plan,
        DeploymentStatus.RUNNING,
        SYSTEM,
        _ANY_TIME,
        steps=MappingProxyType(done),
    )


def _along(steps: Iterable[Step]) -> Bound:
    """The slowest chain of needs, where a step of unknown length counts nothing; steps come after what they need."""
    ends: dict[StepId, timedelta] = {}
    unknown = 0
    for step in steps:
        begins = max((ends[need] for need in step.needs if need in ends), default=timedelta())
        unknown += step.forecast is None
        ends[step.id] = begins + (step.forecast or timedelta())
    return Bound(max(ends.values(), default=timedelta()), unknown)
