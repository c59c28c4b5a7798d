"""Fail over to a standby environment: check it, fence what is left, promote, lead visitors there, verify.

Until the first promotion everything is taken back when a step fails. From it on nothing is: two databases that both
take writes would be worse than none, so a failed step waits for a person. The way back is a failover of its own, with
the sides exchanged. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from console.domain.failover import Failover
from console.domain.ids import ServiceName
from console.domain.outlook import Outlook, Takeover
from console.domain.plan import Phase, Plan, Step, StepKind, longest_path
from console.planning.draft import Draft
from console.planning.failover_notes import write_notes
from console.planning.failover_refusals import Refusals
from console.planning.failover_steps import UNMEASURED, FailoverWriter
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
        outlook=Outlook(takeover=_foresee(writer, full)),
    )


def _foresee(writer: FailoverWriter, steps: Sequence[Step]) -> Takeover:
    """Forecasts along the slowest chain up to the verified answers, and the lag as it stands."""
    counted = [step for step in steps if step.kind is not StepKind.APPROVAL and step.phase is not Phase.CLOSE]
    length = longest_path(replace(step, forecast=step.forecast or UNMEASURED) for step in counted) or timedelta()
    pairs = [writer.facts.databases.get(name) for name in writer.failover.databases]
    lags = [pair.lag_s if pair is not None else None for pair in pairs]
    known = [lag for lag in lags if lag is not None]
    return Takeover(
        rto_s=length.total_seconds(),
        unmeasured=tuple(dict.fromkeys(step.kind.value for step in counted if step.forecast is None)),
        assumed_s=UNMEASURED.total_seconds(),
        lag_s=max(known, default=0.0) if len(known) == len(lags) else None,
        fenced=all(pair is not None and not pair.old.problem for pair in pairs),
        promised_rto_s=_seconds(writer.failover.rto),
        promised_rpo_s=_seconds(writer.failover.rpo),
        resolvers_s=writer.ttl,
    )


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()
