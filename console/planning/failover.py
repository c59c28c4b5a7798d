"""Fail over to a standby environment: check it, fence what is left, promote, lead visitors there, verify.

Until the first promotion everything is taken back when a step fails. From it on nothing is: two databases that both
take writes would be worse than none, so a failed step waits for a person. The way back is a failover of its own, with
the sides exchanged. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from console.domain.failover import Failover
from console.domain.ids import ServiceName
from console.domain.plan import Plan
from console.planning.draft import Draft
from console.planning.failover_notes import write_notes
from console.planning.failover_refusals import Refusals
from console.planning.failover_steps import FailoverWriter
from console.planning.risk import judge_risk


def plan_failover(draft: Draft, asked: Failover, refusals: Sequence[str]) -> Plan:
    """Write the plan; what forbids it is among its refusals, and in a rehearsal among its findings."""
    failover = draft.environment.failover
    if failover is None:
        table = f"[environments.{draft.wish.environment}.failover]"
        words = f"Nothing stands by for {draft.wish.environment}. Write {table} with to = … into the configuration."
        return Plan(draft.wish.environment, asked.strategy, draft.release, (), refusals=(*refusals, words))
    writer = FailoverWriter(draft, failover, asked)
    against = Refusals(writer)
    found = [*refusals, *against.always()]
    doubts = list(against.of_state())
    if not asked.rehearsal:
        found += doubts
    full = writer.steps()
    steps = writer.rehearse(full, doubts) if asked.rehearsal else full
    return Plan(
        environment=draft.wish.environment,
        strategy=asked.strategy,
        release=writer.release,
        steps=steps,
        services=tuple(ServiceName(name) for name in writer.services),
        current={ServiceName(name): commit for name, commit in draft.live.failover.left.items()},
        risk=judge_risk(draft, steps, ()),
        refusals=tuple(found),
        notes=tuple(dict.fromkeys(write_notes(draft, failover, asked))),
    )
