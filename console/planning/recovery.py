"""Plan the recovery of services: fresh instances, more of them, or what runs deployed once more. No release changes.

Services come one after the other, each after those it needs, and each must answer its health check before the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from console.domain.ids import ServiceName
from console.domain.plan import Phase, Plan, Step, StepKind, Undo
from console.domain.recovery import REDEPLOY, RESTART, SCALE, Recovery
from console.planning.assembly import order_services
from console.planning.draft import Draft, chain, health_limit, probe_arguments
from console.planning.risk import judge_risk

KINDS = {RESTART: StepKind.RESTART, SCALE: StepKind.SCALE, REDEPLOY: StepKind.REDEPLOY}


@dataclass(frozen=True)
class _Place:
    """Where a service runs: its only place, or an arm that has traffic."""

    target: str
    arm: str
    url: str
    commit: str
    deployment: str
    instances: int | None


def plan_recovery(draft: Draft, recovery: Recovery, refusals: Sequence[str]) -> Plan:
    wished = draft.wish.services
    chosen = [name for name in order_services(draft) if name in wished]
    if not wished:
        refusals = [*refusals, "Name the services to recover, with --service."]
    steps: list[Step] = []
    for name in chosen:
        found = list(_refuse(draft, recovery, name))
        refusals = [*refusals, *found]
        if not found:
            steps += [step for place in _places(draft, name) for step in _steps(draft, recovery, name, place)]
    return Plan(
        environment=draft.wish.environment,
        strategy=recovery.strategy,
        release=draft.release,
        steps=chain(steps),
        services=tuple(ServiceName(name) for name in chosen),
        current={name: draft.live_of(name).live_commit for name in chosen if draft.live_of(name).live_commit},
        risk=judge_risk(draft, steps, ()),
        refusals=tuple(refusals),
        notes=tuple(f"{name}: {words}." for name in chosen for words in _notes(recovery)),
    )


def _refuse(draft: Draft, recovery: Recovery, name: str) -> Iterator[str]:
    live = draft.live_of(name)
    if live.problem:
        yield f"{name} could not be read: {live.problem}"
        return
    if recovery.act in live.cannot:
        yield f"{name}: {live.cannot[recovery.act]}"
    elif draft.placement(name).migrations:
        yield f"{name} is a database: its platform's desk restarts it (`quarterdeck providers`)."
    elif not _places(draft, name):
        yield f"{name}: nothing of it serves, so there is nothing to recover. Deploy it."
    elif recovery.act == REDEPLOY and not all(place.commit for place in _places(draft, name)):
        yield f"{name}: its platform does not say which commit runs, so it cannot be deployed once more."


def _places(draft: Draft, name: str) -> list[_Place]:
    live, placement = draft.live_of(name), draft.placement(name)
    if not placement.places:
        place = _Place(placement.id, "", placement.url, live.commit, live.deployment, live.instances)
        return [place] if live.commit or live.deployment else []
    serving = [key for key, arm in live.arms.items() if arm.weight > 0 or (placement.traffic is None and arm.commit)]
    return [
        _Place(
            placement.places[key].id,
            key,
            placement.places[key].url,
            live.arms[key].commit,
            live.arms[key].deployment,
            live.arms[key].instances,
        )
        for key in serving
        if key in placement.places
    ]


def _steps(draft: Draft, recovery: Recovery, name: str, place: _Place) -> Iterator[Step]:
    where = f"{place.arm} of {name}" if place.arm else name
    prefix = f"{name}.{place.arm}" if place.arm else name
    settings = draft.service(name)
    titles = {
        RESTART: f"Restart {where}",
        SCALE: f"Run {_count(recovery.instances)} of {where}",
        REDEPLOY: f"Deploy {place.commit[:8]} to {where} once more",
    }
    undo, no_undo = _undo(recovery, where, place)
    yield draft.step(
        f"{prefix}.{recovery.act}",
        titles[recovery.act],
        KINDS[recovery.act],
        Phase.ROLLOUT,
        service=name,
        provider=settings.provider,
        arguments=_arguments(recovery, place),
        undo=undo,
        no_undo=no_undo,
        time_limit=draft.environment.limits.deploy,
    )
    if settings.health is not None and place.url:
        yield draft.step(
            f"{prefix}.health",
            f"Check the health of {where}",
            StepKind.HEALTH,
            Phase.VERIFY,
            service=name,
            provider=settings.provider,
            arguments={"url": place.url, "arm": place.arm, **probe_arguments(settings.health)},
            time_limit=health_limit(settings.health),
        )


def _arguments(recovery: Recovery, place: _Place) -> Mapping[str, object]:
    more: dict[str, object] = {}
    if recovery.act == SCALE:
        more = {"instances": recovery.instances}
    elif recovery.act == REDEPLOY:
        more = {"commit": place.commit}
    return {"target": place.target, **({"arm": place.arm} if place.arm else {}), **more}


def _undo(recovery: Recovery, where: str, place: _Place) -> tuple[Undo | None, str]:
    if recovery.act == RESTART:
        return None, "Instances that were replaced do not come back; the release stays the same."
    if recovery.act == REDEPLOY:
        return None, "It is the release that ran already."
    if place.instances is None:
        return None, "Nobody knows how many instances there were."
    arguments = {"target": place.target, "instances": place.instances}
    return Undo(StepKind.SCALE, f"Return to {_count(place.instances)} of {where}", arguments), ""


def _notes(recovery: Recovery) -> Iterator[str]:
    if recovery.act == RESTART:
        yield "its platform replaces the instances one by one where there are several; a single one is away meanwhile"
    if recovery.act == REDEPLOY:
        yield "variables as they are set now are the ones it starts with"


def _count(instances: int) -> str:
    return "1 instance" if instances == 1 else f"{instances} instances"
