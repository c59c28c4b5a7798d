"""Plan a deployment: each service's flow by its strategy, put together in the order of needs.

Every strategy prepares the new release before anybody is served by it, verifies, and retires the old one last. Pure:
settings, a wish and what is live in; a plan out, with everything that forbids it in its refusals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from console.config.settings import Settings
from console.config.strategies import BLUE_GREEN, CUSTOM, known_strategies
from console.domain.emergency import Gate
from console.domain.failover import read_failover
from console.domain.hold import LIFT_HOLD
from console.domain.ids import ServiceName
from console.domain.maintenance import MAINTENANCE
from console.domain.plan import Plan, Step, StepKind, Wish
from console.domain.recovery import read_recovery
from console.domain.release import Release
from console.domain.rotation import read_rotation
from console.domain.variables import SYNC
from console.planning.arms import plan_arms
from console.planning.assembly import close, frame, join, order_services
from console.planning.configuration import plan_configuration
from console.planning.custom import plan_pipeline
from console.planning.draft import Draft, Flow
from console.planning.emergency import find_terms
from console.planning.failover import plan_failover
from console.planning.forecast import Forecasts
from console.planning.holding import find_pushes, plan_lift, plan_lifting
from console.planning.live import Live
from console.planning.maintenance import plan_maintenance
from console.planning.outlook import foresee
from console.planning.recovery import plan_recovery
from console.planning.recreate import is_recreated, join_recreate
from console.planning.risk import judge_risk
from console.planning.rotation import plan_rotation
from console.planning.single import plan_database, plan_plain, plan_staged
from providers.contract import MigrationFile


def build_plan(
    settings: Settings,
    wish: Wish,
    release: Release,
    live: Live,
    migration_files: tuple[MigrationFile, ...] = (),
    history: Forecasts | None = None,
) -> Plan:
    """Plan a deployment of `release`. Never raises for a wish that cannot be granted: the plan's refusals say why.

    Args:
        migration_files: Every migration of the release, applied or not.
        live: With `lock` set, the plan is refused in the holder's name; leave it out once the lock is ours.
    """
    draft = Draft(settings, wish, release, live, migration_files, history or Forecasts())
    plan = _build(draft)
    if wish.environment not in settings.environments:
        return plan
    terms = find_terms(draft) if wish.emergency else None
    return replace(plan, outlook=foresee(draft, plan), emergency=terms)


def _build(draft: Draft) -> Plan:
    settings, wish, release, live = draft.settings, draft.wish, draft.release, draft.live
    refusals = [*_refuse_wish(settings, wish, live)]
    refusals += _refuse_return(draft)
    strategy = wish.strategy or (
        settings.environments[wish.environment].strategy if wish.environment in settings.environments else BLUE_GREEN
    )
    if refusals and wish.environment not in settings.environments:
        return Plan(wish.environment, strategy, release, (), refusals=tuple(refusals))
    if strategy == SYNC:
        return _plan_configuration(draft, refusals)
    if strategy == MAINTENANCE:
        return plan_maintenance(draft, refusals)
    failover = read_failover(strategy)
    if failover is not None:
        return plan_failover(draft, failover, refusals)
    if strategy == LIFT_HOLD:
        return plan_lifting(draft, live.hold, refusals)
    recovery = read_recovery(strategy)
    if recovery is not None:
        return plan_recovery(draft, recovery, refusals)
    rotation = read_rotation(strategy)
    if rotation is not None:
        return plan_rotation(draft, rotation, refusals, _flow)
    known = known_strategies(settings.custom_pipelines)
    if strategy not in known:
        refusals.append(f"There is no strategy {strategy}. Known: {', '.join(known)}.")
        return Plan(wish.environment, strategy, release, (), refusals=tuple(refusals))
    chosen = _choose(draft)
    custom = settings.custom_pipelines.get(strategy.removeprefix(CUSTOM)) if strategy.startswith(CUSTOM) else None
    flows = {name: _flow(draft, name) for name in chosen}
    refusals += [refusal for flow in flows.values() for refusal in flow.refusals]
    before = frame(draft)
    notes = _notes(draft, chosen, tuple(flows.values()))
    if custom is None:
        body, told = _join(draft, flows, before)
        notes = (*notes, *told)
    else:
        own = plan_pipeline(draft, custom, flows, before)
        body, notes = own.steps, (*notes, *own.notes)
        refusals += own.refusals
    steps = (*before, *body, *close(draft, (*before, *body)))
    steps = (*steps, *plan_lift(draft, steps))
    if not body and not refusals:
        refusals.append("There is nothing to deploy: no service of the environment has a step.")
    return Plan(
        environment=wish.environment,
        strategy=strategy,
        release=release,
        steps=steps,
        services=tuple(ServiceName(name) for name in chosen),
        current={name: draft.live_of(name).live_commit for name in chosen if draft.live_of(name).live_commit},
        candidate_arms={name: flow.candidate_arm for name, flow in flows.items() if flow.candidate_arm},
        risk=judge_risk(draft, steps, tuple(flows.values())),
        refusals=tuple(refusals),
        notes=notes,
        pushes=find_pushes(draft, chosen),
        returns=wish.returns,
    )


def _join(draft: Draft, flows: Mapping[str, Flow], before: Sequence[Step]) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    if not any(is_recreated(draft, flow) for flow in flows.values()):
        return join(draft, flows, before), ()
    joined = join_recreate(draft, flows, before)
    return joined.steps, joined.notes


def _refuse_return(draft: Draft) -> list[str]:
    """Only what was live before may pass without its checks and approvals."""
    release, environment = draft.release, draft.wish.environment
    if not draft.wish.returns or release.commit in draft.live.served:
        return []
    return [f"{release.name} was not live in {environment} before, as far as the history goes: deploy it instead."]


def _plan_configuration(draft: Draft, refusals: list[str]) -> Plan:
    """Variables alone: no release moves, nothing is announced, and approvals are asked for as for a deployment."""
    before = tuple(replace(step, needs=()) for step in frame(draft) if step.kind is StepKind.APPROVAL)
    chosen = _choose(draft)
    unread = [
        f"{name} could not be read: {draft.live_of(name).problem}"
        for name in chosen
        if draft.live_of(name).problem and draft.settings.variables_of(draft.wish.environment, name)
    ]
    body = plan_configuration(draft, chosen, before)
    steps = (*before, *body.steps)
    return Plan(
        environment=draft.wish.environment,
        strategy=SYNC,
        release=draft.release,
        steps=steps,
        services=tuple(ServiceName(name) for name in chosen),
        current={name: draft.live_of(name).live_commit for name in chosen if draft.live_of(name).live_commit},
        risk=judge_risk(draft, steps, ()),
        refusals=(*refusals, *unread, *body.refusals),
        notes=tuple(dict.fromkeys(body.notes)),
    )


def _refuse_wish(settings: Settings, wish: Wish, live: Live) -> list[str]:
    environment = settings.environments.get(wish.environment)
    if environment is None:
        known = ", ".join(settings.environments) or "none"
        return [f"There is no environment {wish.environment}. Known: {known}."]
    refusals = [
        f"There is no service {name} in {wish.environment}. Known: {', '.join(environment.services) or 'none'}."
        for name in wish.services
        if name not in environment.services
    ]
    used = settings.providers_of(wish.environment, wish.services)
    refusals += [
        f"The token of [providers.{provider}] is too narrow: it lacks {', '.join(scopes)}. "
        f"`quarterdeck doctor {provider}` says what cannot be done without."
        for provider, scopes in live.narrow.items()
        if provider in used
    ]
    if wish.emergency and not wish.reason.strip():
        refusals.append("An emergency deployment needs a reason.")
    if live.lock is not None:
        lock = live.lock
        why = f": {lock.reason}" if lock.reason else ""
        refusals.append(
            f"{wish.environment} is held by deployment {lock.deployment} of {lock.holder}"
            f" since {lock.since:%Y-%m-%d %H:%M:%S} UTC{why}."
        )
    return refusals


def _choose(draft: Draft) -> tuple[str, ...]:
    ordered = order_services(draft)
    return tuple(name for name in ordered if not draft.wish.services or name in draft.wish.services)


def _flow(draft: Draft, name: str) -> Flow:
    problem = draft.live_of(name).problem
    if problem:
        return Flow(name, refusals=(f"{name} could not be read: {problem}",))
    placement, kind = draft.placement(name), draft.settings.kind_of(name)
    if placement.migrations or kind == "supabase":
        return plan_database(draft, name)
    if placement.arms:
        return plan_arms(draft, name)
    return plan_staged(draft, name) if kind == "vercel" else plan_plain(draft, name)


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
