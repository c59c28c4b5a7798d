"""Plan how a release goes live: each service's flow by its strategy, put together in the order of needs.

Every strategy prepares the new release before anybody is served by it, verifies, and retires the old one last. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.config.strategies import CUSTOM, known_strategies
from console.domain.emergency import Gate
from console.domain.ids import ServiceName
from console.domain.plan import Plan, Step
from console.planning.assembly import choose_services, close, frame, join
from console.planning.custom import plan_pipeline
from console.planning.draft import Draft, Flow
from console.planning.emergency import find_terms
from console.planning.flows import flow_of
from console.planning.holding import find_pushes, plan_lift
from console.planning.recreate import is_recreated, join_recreate
from console.planning.risk import judge_risk


def plan_release(draft: Draft, strategy: str, refusals: Sequence[str]) -> Plan:
    """Write the plan; what forbids it is among its refusals.

    Args:
        strategy: A built-in one, or the name of an operator's own pipeline.
    """
    settings, wish, release = draft.settings, draft.wish, draft.release
    found = [*refusals, *_refuse_return(draft)]
    known = known_strategies(settings.custom_pipelines)
    if strategy not in known:
        found.append(f"There is no strategy {strategy}. Known: {', '.join(known)}.")
        return Plan(wish.environment, strategy, release, (), refusals=tuple(found))
    chosen = choose_services(draft)
    custom = settings.custom_pipelines.get(strategy.removeprefix(CUSTOM)) if strategy.startswith(CUSTOM) else None
    flows = {name: flow_of(draft, name) for name in chosen}
    found += [refusal for flow in flows.values() for refusal in flow.refusals]
    before = frame(draft)
    notes = _notes(draft, chosen, tuple(flows.values()))
    if custom is None:
        body, told = join_flows(draft, flows, before)
        notes = (*notes, *told)
    else:
        own = plan_pipeline(draft, custom, flows, before)
        body, notes = own.steps, (*notes, *own.notes)
        found += own.refusals
    steps = (*before, *body, *close(draft, (*before, *body)))
    steps = (*steps, *plan_lift(draft, steps))
    if not body and not found:
        found.append("There is nothing to deploy: no service of the environment has a step.")
    return Plan(
        environment=wish.environment,
        strategy=strategy,
        release=release,
        steps=steps,
        services=tuple(ServiceName(name) for name in chosen),
        current={name: draft.live_of(name).live_commit for name in chosen if draft.live_of(name).live_commit},
        candidate_arms={name: flow.candidate_arm for name, flow in flows.items() if flow.candidate_arm},
        risk=judge_risk(draft, steps, tuple(flows.values())),
        refusals=tuple(found),
        notes=notes,
        pushes=find_pushes(draft, chosen),
        returns=wish.returns,
    )


def _refuse_return(draft: Draft) -> list[str]:
    """Only what was live before may pass without its checks and approvals."""
    release, environment = draft.release, draft.wish.environment
    if not draft.wish.returns or release.commit in draft.live.served:
        return []
    return [f"{release.name} was not live in {environment} before, as far as the history goes: deploy it instead."]


def join_flows(
    draft: Draft, flows: Mapping[str, Flow], before: Sequence[Step]
) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """The flows' steps in the order of needs, by the environment's strategy, and what is to be known of it."""
    if not any(is_recreated(draft, flow) for flow in flows.values()):
        return join(draft, flows, before), ()
    joined = join_recreate(draft, flows, before)
    return joined.steps, joined.notes


def _notes(draft: Draft, chosen: Sequence[str], flows: Sequence[Flow]) -> tuple[str, ...]:
    notes = [note for flow in flows for note in flow.notes]
    left_out = dict.fromkeys(
        need
        for name in chosen
        for need in draft.service(name).needs
        if need in draft.environment.services and need not in chosen
    )
    if left_out:
        notes.append(f"Not part of this deployment, though needed: {', '.join(left_out)}.")
    commits = [draft.live_of(name).live_commit for name in chosen]
    running = [commit for commit in commits if commit]
    if running and all(commit == draft.release.commit for commit in running):
        notes.append(f"{draft.release} is live already; this deploys it again.")
    notes += [
        f"{name}: the platform also deploys every push by itself (auto-deploy is on)."
        for name in chosen
        if draft.live_of(name).auto_deploy
    ]
    if draft.wish.emergency:
        notes.append(f"Emergency: {find_terms(draft).words} Somebody else is to review it afterwards.")
    if draft.environment.approvals and not draft.passes(Gate.APPROVALS):
        notes.append("The forecast does not count the wait for approvals.")
    return tuple(dict.fromkeys(notes))
