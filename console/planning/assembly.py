"""Put the flows of several services together: who waits for whom, and the steps that frame a deployment.

Preparation waits for what its dependencies prepared or migrated; whatever serves people waits until its dependencies
serve the new release; nothing old is retired before everything is verified.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from console.domain.emergency import Gate
from console.domain.ids import StepId
from console.domain.plan import Phase, Step, StepKind, Undo
from console.planning.draft import Draft, Flow


def order_services(draft: Draft) -> tuple[str, ...]:
    """The environment's services, each after those it needs, otherwise as written. Needs have no cycle."""
    done: list[str] = []

    def visit(name: str) -> None:
        if name in done or name not in draft.environment.services:
            return
        for need in draft.service(name).needs:
            visit(need)
        done.append(name)

    for name in draft.environment.services:
        visit(name)
    return tuple(done)


def choose_services(draft: Draft) -> tuple[str, ...]:
    """Those that the wish names, or all; in the order of their needs."""
    return tuple(name for name in order_services(draft) if not draft.wish.services or name in draft.wish.services)


def wait_for_approvals(draft: Draft, needs: Sequence[str] = ()) -> tuple[Step, ...]:
    """The step that waits for people; none where nobody is asked."""
    environment = draft.environment
    if not environment.approvals or draft.passes(Gate.APPROVALS) or draft.wish.returns:
        return ()
    people = "1 approval" if environment.approvals == 1 else f"{environment.approvals} approvals"
    limit = environment.limits.approval
    step = draft.step(
        "approval",
        f"Wait for {people}",
        StepKind.APPROVAL,
        Phase.CHECK,
        arguments={
            "approvals": environment.approvals,
            "environment": draft.wish.environment,
            "wait_s": limit.total_seconds(),
        },
        needs=needs,
        lasts=timedelta(),
        time_limit=limit,
    )
    return (step,)


def frame(draft: Draft) -> tuple[Step, ...]:
    """What comes before any change: the commit's checks, approvals, and the announcement."""
    environment, source = draft.environment, draft.settings.source.provider
    commit = draft.release.commit
    steps: list[Step] = []
    if source and environment.gates.checks != "off" and not draft.wish.returns:
        required = environment.gates.checks == "required" and not draft.passes(Gate.CHECKS)
        steps.append(
            draft.step(
                "source.checks",
                f"Look at the checks of {draft.release.short}",
                StepKind.CHECK_COMMIT,
                Phase.CHECK,
                provider=source,
                arguments={"commit": commit, "required": required},
            )
        )
    steps += wait_for_approvals(draft, [step.id for step in steps])
    if source:
        announcement = {
            "environment": draft.wish.environment,
            "production": environment.tier.serves_customers,
            "commit": commit,
        }
        steps.append(
            draft.step(
                "source.announce",
                "Announce the deployment",
                StepKind.ANNOUNCE,
                Phase.ANNOUNCE,
                provider=source,
                arguments={**announcement, "state": "in_progress"},
                needs=[steps[-1].id] if steps else [],
                undo=Undo(
                    StepKind.ANNOUNCE,
                    "Announce the rollback",
                    {**announcement, "state": "failure", "announcement_from": "source.announce"},
                ),
            )
        )
    return tuple(steps)


def close(draft: Draft, steps: Sequence[Step]) -> tuple[Step, ...]:
    """Announce the good end, after everything."""
    announce = next((step for step in steps if step.id == "source.announce"), None)
    if announce is None:
        return ()
    needed = {need for step in steps for need in step.needs}
    return (
        draft.step(
            "source.close",
            "Announce the success",
            StepKind.ANNOUNCE,
            Phase.CLOSE,
            provider=announce.provider,
            arguments={**announce.arguments, "state": "success", "announcement_from": "source.announce"},
            needs=[step.id for step in steps if step.id not in needed],
            no_undo="The rollback announces itself.",
        ),
    )


def join(draft: Draft, flows: Mapping[str, Flow], before: Sequence[Step]) -> tuple[Step, ...]:
    """Order the flows' steps so that each comes after what it needs, and add the needs between services."""
    root = (before[-1].id,) if before else ()
    body: list[Step] = []
    for name, flow in flows.items():
        needs = draft.service(name).needs
        prepared = _unique(end for need in needs for end in _ends(draft, flows, need, serving=False)) or root
        served = _unique(end for need in needs for end in _ends(draft, flows, need, serving=True)) or root
        prepare = _begin(flow.prepare, prepared)
        serve = _begin(flow.serve, (*((prepare[-1].id,) if prepare else ()), *served))
        body += [*prepare, *serve, *_begin(flow.verify, (serve[-1].id,) if serve else served)]
    done = tuple(step.id for flow in flows.values() for step in _last(flow))
    return (*body, *retire_in_order([flow.retire for flow in flows.values()], done))


def retire_in_order(parts: Iterable[Sequence[Step]], needs: Sequence[StepId]) -> tuple[Step, ...]:
    """Stop what is old, then take away from the schema what only that used."""
    every = [step for part in parts for step in _begin(part, needs)]
    stops = [step for step in every if step.kind is not StepKind.MIGRATE]
    ends = _unique(step.id for step in stops)
    contracts = [replace(step, needs=_unique((*step.needs, *ends))) for step in every if step not in stops]
    return (*stops, *contracts)


def _ends(draft: Draft, flows: Mapping[str, Flow], name: str, *, serving: bool) -> tuple[StepId, ...]:
    """The steps after which a service counts as serving (or prepared); one without any passes its own needs on."""
    flow = flows.get(name)
    steps = () if flow is None else flow.serve if serving else (flow.prepare or flow.serve)
    if steps:
        return (steps[-1].id,)
    return _unique(end for need in draft.service(name).needs for end in _ends(draft, flows, need, serving=serving))


def _last(flow: Flow) -> tuple[Step, ...]:
    return (flow.verify or flow.serve)[-1:]


def _begin(steps: Sequence[Step], needs: Sequence[StepId]) -> tuple[Step, ...]:
    """Let what begins a flow need what comes before it: the first step, and others beside it."""
    own = {step.id for step in steps}
    return tuple(step if own & {*step.needs} else replace(step, needs=_unique((*step.needs, *needs))) for step in steps)


def _unique(ids: Iterable[StepId]) -> tuple[StepId, ...]:
    return tuple(dict.fromkeys(ids))
