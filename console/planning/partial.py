"""Taking back some services of a deployment and not others: what must go with them, and who may miss them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from console.domain.deployment import Deployment, StepState, StepStatus, is_rollback_step
from console.domain.ids import ServiceName
from console.domain.plan import Phase, StepKind

DONE = frozenset({StepStatus.SUCCEEDED, StepStatus.SKIPPED})
AFTERWARDS = frozenset({Phase.DECOMMISSION, Phase.CLOSE})


def with_halfway(deployment: Deployment, named: Sequence[ServiceName]) -> tuple[ServiceName, ...]:
    """The services named, and those that a deployment under way has begun and not finished.

    Left where they are, half of their requests would stay with a release that nobody goes on to judge.
    """
    if not named or deployment.is_terminal:
        return tuple(named)
    halfway = [name for name in deployment.plan.services if _is_halfway(_steps_of(deployment, name))]
    return tuple(dict.fromkeys([*named, *halfway]))


def refuse_partial(deployment: Deployment, services: Collection[ServiceName]) -> str:
    """Why these cannot go back without others, or nothing: code that stays would meet a schema it does not know."""
    if not services:
        return ""
    unknown = [name for name in services if name not in deployment.plan.services]
    if unknown:
        known = ", ".join(deployment.plan.services)
        return f"{', '.join(unknown)} had no part in it. It deployed {known or 'nothing'}."
    for state in deployment.steps.values():
        step = state.step
        takes_away = step.kind is StepKind.MIGRATE and step.phase is Phase.DECOMMISSION and state.was_begun
        if takes_away and step.service not in services:
            return f"{step.service} has taken away what older releases use. Take it back as well."
    for name in services:
        lowered = [
            state
            for state in _steps_of(deployment, name)
            if state.step.kind is StepKind.MIGRATE and state.was_begun and state.step.undo is not None
        ]
        stays = _dependants(deployment, name, services)
        if lowered and stays:
            return (
                f"{', '.join(stays)} would stay on {deployment.plan.release.name}, whose schema {name} would lose. "
                f"Take {'it' if len(stays) == 1 else 'them'} back as well."
            )
    return ""


def name_dependants(deployment: Deployment, services: Collection[ServiceName]) -> tuple[str, ...]:
    """What stays on the new release although it needs something that goes back."""
    release = deployment.plan.release.name
    return tuple(
        f"{stays} needs {name} and stays on {release}: see to it that it can do with the older {name}."
        for name in services
        for stays in _dependants(deployment, name, services)
    )


def _dependants(deployment: Deployment, name: ServiceName, services: Collection[ServiceName]) -> list[ServiceName]:
    """Services of the deployment that wait for this one, were changed, and are not taken back with it."""
    owners = {step.id: step.service for step in deployment.plan.steps}
    direct: dict[ServiceName, set[ServiceName]] = {}
    for step in deployment.plan.steps:
        if step.service is None or step.phase in AFTERWARDS:
            continue
        needed = {owner for need in step.needs if (owner := owners.get(need)) is not None}
        direct.setdefault(step.service, set()).update(needed - {step.service})
    found: set[ServiceName] = set()
    todo = [name]
    while todo:
        needed_now = todo.pop()
        fresh = [other for other, needs in direct.items() if needed_now in needs and other not in found]
        found.update(fresh)
        todo += fresh
    return [
        other
        for other in deployment.plan.services
        if other in found and other not in services and any(s.was_begun for s in _steps_of(deployment, other))
    ]


def _is_halfway(states: Sequence[StepState]) -> bool:
    serving = [state for state in states if state.step.phase not in AFTERWARDS]
    return any(state.was_begun for state in serving) and not all(state.status in DONE for state in serving)


def _steps_of(deployment: Deployment, name: ServiceName) -> list[StepState]:
    return [s for s in deployment.steps.values() if s.step.service == name and not is_rollback_step(s)]
