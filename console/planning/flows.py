"""How a release gets to one service, by where that service runs. Pure."""

from __future__ import annotations

from console.config.kinds import DATABASE_KINDS
from console.planning.arms import plan_arms
from console.planning.database import plan_database
from console.planning.draft import Draft, Flow
from console.planning.rolling import plan_rolling, refuse_arms
from console.planning.single import plan_plain, plan_staged


def flow_of(draft: Draft, name: str) -> Flow:
    """The service's steps; what forbids them is among its refusals."""
    problem = draft.live_of(name).problem
    if problem:
        return Flow(name, refusals=(f"{name} could not be read: {problem}",))
    placement, kind = draft.placement(name), draft.settings.kind_of(name)
    if placement.migrations or kind in DATABASE_KINDS:
        return plan_database(draft, name)
    if placement.instances:
        return plan_rolling(draft, name)
    if placement.arms:
        refusals = refuse_arms(draft, name)
        return Flow(name, refusals=refusals) if refusals else plan_arms(draft, name)
    return plan_staged(draft, name) if kind == "vercel" else plan_plain(draft, name)
