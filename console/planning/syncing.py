"""Plan a sync: variables come to what the configuration wants, and no release moves. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from console.domain.ids import ServiceName
from console.domain.plan import Plan
from console.domain.variables import SYNC
from console.planning.assembly import choose_services, wait_for_approvals
from console.planning.configuration import plan_configuration
from console.planning.draft import Draft
from console.planning.risk import judge_risk


def plan_sync(draft: Draft, refusals: Sequence[str]) -> Plan:
    """Nothing is announced, and approvals are asked for as for a deployment."""
    before = wait_for_approvals(draft)
    chosen = choose_services(draft)
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
