"""What freezes mean for a plan: it is refused while one holds, and says where it would run into the next.

Coming back is never frozen: rollbacks, aborts, the return to a release that was live, recovery, disaster recovery and
holding pages. A deployment that has begun goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from console.config.environments import EnvironmentSettings
from console.domain.emergency import EmergencyTerms, Gate
from console.domain.freeze import FreezeSpan, find_holding, find_next, say_until
from console.domain.plan import Plan, Risk
from console.planning.kinds import read_strategy

POINTS = 10
NEAR = timedelta(hours=1)
"""A freeze that begins so soon after the known part of a plan is told, though nobody knows how long the rest takes."""


def goes_forward(strategy: str, *, returns: bool) -> bool:
    """Whether a freeze is about it."""
    return not returns and read_strategy(strategy)[0].goes_forward


def heed_freezes(
    plan: Plan, environment: EnvironmentSettings, freezes: Sequence[FreezeSpan], at: datetime, *, emergency: bool
) -> Plan:
    """The plan with what freezes add to it: a refusal, or the gate that an emergency passes over, or a warning.

    Args:
        freezes: Those that hold or begin later.
        at: When the plan is to begin.
        emergency: Whether it was asked for as one.
    """
    if not goes_forward(plan.strategy, returns=plan.returns):
        return plan
    freezes = [span for span in freezes if span.concerns(plan.services)]
    holding = find_holding(freezes, at)
    may_pass = Gate.FREEZE in environment.emergency.skips
    if holding and emergency and may_pass:
        return _passed(plan, holding)
    if holding:
        refusals = tuple(refuse_frozen(plan.environment, span, may_pass=may_pass) for span in holding)
        return replace(plan, refusals=(*plan.refusals, *refusals))
    ahead = find_next(freezes, at)
    return plan if ahead is None else _warned(plan, ahead, at)


def refuse_frozen(environment: str, span: FreezeSpan, *, may_pass: bool) -> str:
    """Why nothing begins, until when, and what may be done about it."""
    lift = f", have it lifted (`quarterdeck freeze lift {span.id}`)" if span.id else ""
    others = ", name services that it does not hold with --service" if span.services else ""
    emergency = ", or pass over it with `--emergency --reason TEXT`" if may_pass else ""
    return f"{environment} is {say_until(span)}. Wait for its end{others}{lift}{emergency}."


def _passed(plan: Plan, holding: Sequence[FreezeSpan]) -> Plan:
    terms = plan.emergency or EmergencyTerms(())
    notes = tuple(f"Emergency: {plan.environment} is {say_until(span)}, and this passes over it." for span in holding)
    return replace(
        plan,
        emergency=replace(terms, skips=(*terms.skips, Gate.FREEZE.value)),
        notes=(*plan.notes, *notes),
        risk=_add_risk(plan.risk, f"{plan.environment} is {say_until(holding[0])}."),
    )


def _warned(plan: Plan, ahead: FreezeSpan, at: datetime) -> Plan:
    """Say at which step the freeze begins, as far as lengths are known."""
    left = ahead.begins_at - at
    number, ends, unknown = _find_step(plan, left)
    name = f"the freeze that begins {ahead.begins_at:%Y-%m-%d %H:%M} UTC ({ahead.reason})"
    on = "What has begun goes on, and can be taken back at any time."
    if number is not None:
        step = f"step {number + 1} of {len(plan.steps)}, {plan.steps[number].name}"
        said = f"This runs into {name} at {step}. {on}"
        return replace(plan, notes=(*plan.notes, said), risk=_add_risk(plan.risk, f"It runs into {name}."))
    if unknown and left - ends <= NEAR:
        said = f"This may run into {name}: how long {unknown} of its steps take is not known. {on}"
        return replace(plan, notes=(*plan.notes, said))
    return plan


def _find_step(plan: Plan, left: timedelta) -> tuple[int | None, timedelta, int]:
    """The first step in plan order that ends too late, when everything has ended, and how many have no forecast."""
    ends: dict[str, timedelta] = {}
    unknown, found = 0, None
    for number, step in enumerate(plan.steps):
        begins = max((ends[need] for need in step.needs if need in ends), default=timedelta())
        unknown += step.forecast is None
        ends[step.id] = begins + (step.forecast or timedelta())
        if found is None and ends[step.id] > left:
            found = number
    return found, max(ends.values(), default=timedelta()), unknown


def _add_risk(risk: Risk, reason: str) -> Risk:
    pairs = sorted([*zip(risk.points, risk.reasons, strict=False), (POINTS, reason)], key=lambda pair: -pair[0])
    if len(risk.points) != len(risk.reasons):
        return replace(risk, score=min(100, risk.score + POINTS), reasons=(*risk.reasons, reason))
    points, reasons = zip(*pairs, strict=True)
    return Risk(min(100, risk.score + POINTS), reasons, points)
