"""Services in one place: a frontend that is promoted, a service switched by its platform.

Where a platform cannot divide traffic the flow says in a note what happens instead.
"""

from __future__ import annotations

from console.domain.plan import Phase, Step, StepKind, Undo
from console.planning.configuration import hidden_arguments, plan_place
from console.planning.draft import (
    SLACK,
    Draft,
    Flow,
    chain,
    count_requests,
    health_limit,
    probe_arguments,
    request_arguments,
)
from console.planning.own_stages import weigh_stages
from console.planning.rolling import note_in_place


def plan_staged(draft: Draft, name: str) -> Flow:
    """Build beside what is live, look at it under its own address, then promote it in one move."""
    live, placement, settings = draft.live_of(name), draft.placement(name), draft.service(name)
    build = f"{name}.deploy"
    configured = plan_place(draft, name, "", Phase.PREPARE)
    prepare = [
        *configured.steps,
        draft.step(
            build,
            f"Build {draft.release.name} of {name}",
            StepKind.DEPLOY,
            Phase.PREPARE,
            service=name,
            provider=settings.provider,
            arguments={"target": placement.id, "serve": False, **hidden_arguments(draft, name)},
            no_undo="It gets no traffic unless it is promoted.",
        ),
        *_checks(draft, name, {"url_from": build}),
    ]
    undo = (
        Undo(
            StepKind.ROLL_BACK_RELEASE,
            f"Return {name} to what was live",
            {"target": placement.id, "deployment": live.deployment},
        )
        if live.deployment
        else None
    )
    own = weigh_stages(name, live.stages)
    promote = draft.step(
        f"{name}.promote",
        f"Promote the new {name}",
        StepKind.PROMOTE,
        Phase.ROLLOUT,
        service=name,
        provider=settings.provider,
        arguments={"target": placement.id, "deployment_from": build},
        undo=undo,
        no_undo="" if undo else "Nothing was live before.",
        lasts=own.lasts,
        time_limit=None if own.lasts is None else own.lasts + draft.environment.limits.deploy,
    )
    return Flow(
        name,
        prepare=chain(prepare),
        serve=(promote,),
        verify=_watch(draft, name),
        notes=(own.note, *(() if own.lasts else note_in_place(draft, name)), *configured.notes),
        refusals=(*own.refusals, *configured.refusals),
        first=not live.deployment,
    )


def plan_plain(draft: Draft, name: str) -> Flow:
    """Deploy in place: the platform starts the new release and switches by itself."""
    live, placement, settings = draft.live_of(name), draft.placement(name), draft.service(name)
    undo = (
        Undo(
            StepKind.ROLL_BACK_RELEASE,
            f"Return {name} to what ran before",
            {"target": placement.id, "deployment": live.deployment},
        )
        if live.deployment
        else None
    )
    resume = [_resume(draft, name)] if live.suspended else []
    deploy = draft.step(
        f"{name}.deploy",
        f"Deploy {draft.release.name} to {name}",
        StepKind.DEPLOY,
        Phase.ROLLOUT,
        service=name,
        provider=settings.provider,
        arguments={"target": placement.id, "serve": True, **hidden_arguments(draft, name)},
        undo=undo,
        no_undo="" if undo else "Nothing ran there before; the new release keeps running.",
    )
    checks = _checks(draft, name, {"url": placement.url}) if placement.url else []
    configured = plan_place(draft, name, "", Phase.ROLLOUT)
    note = f"{name}: its platform switches to the new release by itself, without stages."
    return Flow(
        name,
        serve=chain([*resume, *configured.steps, deploy, *checks]),
        verify=_watch(draft, name),
        notes=(*(note_in_place(draft, name) or (note,)), *configured.notes),
        refusals=configured.refusals,
        first=not live.deployment,
    )


def _resume(draft: Draft, name: str) -> Step:
    arguments = {"target": draft.placement(name).id}
    return draft.step(
        f"{name}.resume",
        f"Start {name}",
        StepKind.RESUME,
        Phase.ROLLOUT,
        service=name,
        provider=draft.service(name).provider,
        arguments=arguments,
        undo=Undo(StepKind.SUSPEND, f"Suspend {name} again", arguments),
    )


def _checks(draft: Draft, name: str, address: dict[str, object]) -> list[Step]:
    settings = draft.service(name)
    phase = Phase.PREPARE if "url_from" in address else Phase.ROLLOUT
    steps = []
    if settings.health is not None:
        steps.append(
            draft.step(
                f"{name}.health",
                f"Check the health of {name}",
                StepKind.HEALTH,
                phase,
                service=name,
                provider=settings.provider,
                arguments={**address, **probe_arguments(settings.health)},
                time_limit=health_limit(settings.health),
            )
        )
    if settings.integration:
        steps.append(
            draft.step(
                f"{name}.integration",
                f"Try {name} with {count_requests(settings.integration)}",
                StepKind.INTEGRATION,
                phase,
                service=name,
                provider=settings.provider,
                arguments={**address, "requests": [request_arguments(check) for check in settings.integration]},
            )
        )
    return steps


def _watch(draft: Draft, name: str) -> tuple[Step, ...]:
    """Watch the public address; a service without one, or without health settings, has nothing to watch."""
    settings, placement = draft.service(name), draft.placement(name)
    if settings.health is None or not placement.url:
        return ()
    length = draft.environment.verify_time
    arguments = {
        "duration_s": length.total_seconds(),
        "service": name,
        "url": placement.url,
        "health": probe_arguments(settings.health),
    }
    return (
        draft.step(
            f"{name}.verify",
            f"Watch {name} in public",
            StepKind.VERIFY,
            Phase.VERIFY,
            service=name,
            provider=settings.provider,
            arguments=arguments,
            lasts=length,
            time_limit=length + SLACK,
        ),
    )
