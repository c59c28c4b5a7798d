"""Plans, deployments and rollbacks as lines of text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from console.cli.words import counted, say_clock, say_length, say_moment, say_state, say_weights, table
from console.client.service import RollbackPreview
from console.domain.deployment import Deployment, Rollback, is_rollback_step, steps_in_order
from console.domain.outlook import Bound, Outlook, Spread, Takeover
from console.domain.plan import Plan, Risk
from console.domain.waiting import say_waiting


def deployment_json(deployment: Deployment, now: datetime) -> Any:
    """The object that scripts rely on; the report's own JSON form."""
    from console.reports.json_form import deployment_to_json

    return deployment_to_json(deployment, now)


def plan_lines(plan: Plan) -> Iterator[str]:
    """What changes, the steps with their undo, then risk, times, notes and every refusal."""
    outlook = plan.outlook
    yield f"{plan.release.name} to {plan.environment} by {plan.strategy}"
    yield from _change_lines(outlook)
    yield ""
    rows = [
        [
            step.phase.value,
            step.name,
            step.provider or "–",
            _forecast(say_length(step.forecast), outlook.spreads.get(step.id)),
            step.undo.name if step.undo else (f"none: {step.no_undo}" if step.no_undo else "–"),
        ]
        for step in plan.steps
    ]
    yield from table(["PHASE", "STEP", "PROVIDER", "FORECAST", "UNDO"], rows)
    yield ""
    yield f"risk      {plan.risk.word} ({plan.risk.score} of 100)"
    yield from _reason_lines(plan.risk)
    if outlook.takeover is None:
        yield f"forecast  {say_length(plan.forecast)}"
    else:
        yield from _takeover_lines(outlook.takeover)
    if outlook.promotion is not None:
        yield f"shortest  {_bound(outlook.promotion)} until everything is done"
    if outlook.rollback is not None:
        yield f"longest   {_bound(outlook.rollback)} until everything is back, asked for at the very end"
    for other in outlook.others:
        yield f"also runs {other}"
    for obstacle in plan.obstacles:
        yield f"way back  {obstacle}"
    for note in plan.notes:
        yield f"note      {note}"
    for refusal in plan.refusals:
        yield f"refused   {refusal}"


def map_words(outlook: Outlook) -> str:
    """`database → backend, worker → frontend`: an arrow waits, a comma goes side by side."""
    return " → ".join(", ".join(wave) for wave in outlook.waves)


def _change_lines(outlook: Outlook) -> Iterator[str]:
    if outlook.waves:
        yield f"services  {map_words(outlook)}"
    if outlook.commits is not None:
        yield f"commits   {len(outlook.commits) or 'none that is not live'}"
        yield from (f"          - {line}" for line in outlook.commits)
    for number, name in enumerate(outlook.migrations):
        yield f"{'schema' if number == 0 else '':<9} {name}"
    for number, place in enumerate(outlook.variables):
        where = f"{place.arm} of {place.service}" if place.arm else place.service
        signs = [*(f"+{n}" for n in place.added), *(f"~{n}" for n in place.changed), *(f"-{n}" for n in place.removed)]
        yield f"{'variables' if number == 0 else '':<9} {where}: {' '.join(signs)}"


def _takeover_lines(takeover: Takeover) -> Iterator[str]:
    """What a failover should come to, beside what is promised."""
    time = f"about {say_length(takeover.rto_s)}{_promised(takeover.promised_rto_s)}, approvals not counted"
    if takeover.unmeasured:
        never = ", ".join(takeover.unmeasured)
        time += f"; never measured, so {say_length(takeover.assumed_s)} each: {never}"
    yield f"recovery  {time}"
    yield f"loss      {_loss(takeover)}{_promised(takeover.promised_rpo_s)}"
    if takeover.resolvers_s:
        yield f"resolvers may lead visitors to the old address for {say_length(takeover.resolvers_s)} more"


def _loss(takeover: Takeover) -> str:
    if takeover.fenced:
        behind = "nobody can say how far" if takeover.lag_s is None else f"now {say_length(takeover.lag_s)}"
        return f"none: writes stop before the standby ({behind} behind) takes over"
    if takeover.lag_s is None:
        return "unknown: the old side is not fenced, and the standby tells no last commit"
    return f"at most {say_length(takeover.lag_s)} of writes: the old side is not fenced"


def _promised(seconds: float | None) -> str:
    return f" (promised {say_length(seconds)})" if seconds is not None else ""


def _forecast(length: str, spread: Spread | None) -> str:
    """`12.0 s (9.1 s to 15.0 s, 7 times)`; one time alone has no spread."""
    if spread is None or spread.times < 2:
        return length
    return f"{length} ({say_length(spread.shortest)} to {say_length(spread.longest)}, {spread.times} times)"


def _bound(bound: Bound) -> str:
    if not bound.unknown:
        return say_length(bound.length)
    if not bound.length:
        return f"not known, {counted(bound.unknown, 'step')} on no record,"
    return f"at least {say_length(bound.length)}, {counted(bound.unknown, 'step')} on no record not counted,"


def _reason_lines(risk: Risk) -> Iterator[str]:
    points = risk.points or (None,) * len(risk.reasons)
    for reason, point in zip(risk.reasons, points, strict=True):
        yield f"          - {reason}" if point is None else f"          +{point:<3} {reason}"


def deployment_lines(deployment: Deployment, now: datetime) -> Iterator[str]:
    """One deployment: head, steps, traffic, verdicts, rollback."""
    d = deployment
    yield f"{d.id}  {say_state(d.status.value)}"
    yield f"  {d.plan.release} to {d.environment} by {d.plan.strategy}"
    yield f"  asked for by {d.requested_by} at {say_moment(d.requested_at)}; took {say_length(d.duration(now))}"
    if d.reason:
        yield f"  reason: {d.reason}"
    yield from _emergency_of(d)
    if d.failure:
        yield f"  {d.failure}"
    for service, state in d.left_behind.items():
        yield f"  {service}: {state}"
    waits = say_waiting(d)
    if waits:
        yield f"  ! {waits}"
    yield ""
    yield from table(["STATE", "STEP", "TOOK", "DETAIL"], list(_step_rows(d, now)))
    if d.traffic:
        yield ""
        yield from table(
            ["AT", "SERVICE", "WEIGHTS"], [[say_clock(t.at), t.service, say_weights(t.weights)] for t in d.traffic]
        )
    if d.verdicts:
        yield ""
        rows = [[say_clock(v.at), say_state(v.verdict.kind.value), v.step, v.verdict.explanation] for v in d.verdicts]
        yield from table(["AT", "VERDICT", "STEP", "BECAUSE"], rows)
    if d.rollback:
        yield ""
        yield from _rollback_of(d.rollback)


def _emergency_of(deployment: Deployment) -> Iterator[str]:
    emergency = deployment.emergency
    if emergency is None:
        return
    until = f", allowed until {say_moment(emergency.expires_at)}" if emergency.expires_at else ""
    yield f"  emergency: passed over {', '.join(emergency.skipped) or 'no gate'}{until}"
    review = emergency.review
    if review is None:
        return
    where = f" ({review.traced_at})" if review.traced_at else ""
    if review.is_open:
        yield f"  review: open{where}; `quarterdeck review {deployment.id} --comment TEXT` closes it"
    else:
        yield f"  review: closed by {review.closed_by} at {say_moment(review.closed_at)}{where}: {review.comment}"


def rollback_lines(preview: RollbackPreview) -> Iterator[str]:
    """What a rollback would do, how long it should take, and what stays."""
    yield f"Take back {preview.deployment} in {preview.environment}: {preview.from_release} → {preview.to_release}"
    if preview.services:
        yield f"only      {', '.join(preview.services)}"
    for number, step in enumerate(preview.steps, start=1):
        yield f"  {number}. {step}"
    yield f"forecast  {say_length(preview.forecast_s)}"
    for line in preview.cannot:
        yield f"stays     {line}"
    for line in preview.restores:
        yield f"restored  {line}"
    for line in preview.restorable:
        yield f"offered   {line}: say --restore-database"
    if preview.refusal:
        yield f"refused   {preview.refusal}"


def _step_rows(deployment: Deployment, now: datetime) -> Iterator[list[str]]:
    for state in steps_in_order(deployment):
        name = f"↩ {state.step.name}" if is_rollback_step(state) else state.step.name
        yield [say_state(state.status.value), name, say_length(state.duration(now)), state.detail]


def _rollback_of(rollback: Rollback) -> Iterator[str]:
    yield f"rollback  {rollback.trigger.value}, asked for at {say_moment(rollback.requested_at)}: {rollback.reason}"
    back, everything = rollback.traffic_restored_after, rollback.duration
    traffic = f"traffic back after {say_length(back)}" if back is not None else "traffic is not back yet"
    yield f"          {traffic}"
    yield f"          everything after {say_length(everything)}" if everything else "          not all is back yet"
