"""Plans, deployments and rollbacks as lines of text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from console.cli.words import say_clock, say_length, say_moment, say_state, say_weights, table
from console.client.service import RollbackPreview
from console.domain.deployment import Deployment, Rollback, is_rollback_step, steps_in_order
from console.domain.plan import Plan


def deployment_json(deployment: Deployment, now: datetime) -> Any:
    """The object that scripts rely on; the report's own JSON form."""
    from console.reports.json_form import deployment_to_json

    return deployment_to_json(deployment, now)


def plan_lines(plan: Plan) -> Iterator[str]:
    """Steps with their undo, then risk, forecast, notes and every refusal."""
    yield f"{plan.release.name} to {plan.environment} by {plan.strategy}"
    yield ""
    rows = [
        [
            step.phase.value,
            step.name,
            step.provider or "–",
            say_length(step.forecast),
            step.undo.name if step.undo else (f"none: {step.no_undo}" if step.no_undo else "–"),
        ]
        for step in plan.steps
    ]
    yield from table(["PHASE", "STEP", "PROVIDER", "FORECAST", "UNDO"], rows)
    yield ""
    yield f"risk      {plan.risk.word} ({plan.risk.score} of 100)"
    for reason in plan.risk.reasons:
        yield f"          - {reason}"
    yield f"forecast  {say_length(plan.forecast)}"
    for note in plan.notes:
        yield f"note      {note}"
    for refusal in plan.refusals:
        yield f"refused   {refusal}"


def deployment_lines(deployment: Deployment, now: datetime) -> Iterator[str]:
    """One deployment: head, steps, traffic, verdicts, rollback."""
    d = deployment
    yield f"{d.id}  {say_state(d.status.value)}"
    yield f"  {d.plan.release} to {d.environment} by {d.plan.strategy}"
    yield f"  asked for by {d.requested_by} at {say_moment(d.requested_at)}; took {say_length(d.duration(now))}"
    if d.reason:
        yield f"  reason: {d.reason}"
    if d.failure:
        yield f"  {d.failure}"
    for service, state in d.left_behind.items():
        yield f"  {service}: {state}"
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


def rollback_lines(preview: RollbackPreview) -> Iterator[str]:
    """What a rollback would do, how long it should take, and what stays."""
    yield f"Take back {preview.deployment} in {preview.environment}: {preview.from_release} → {preview.to_release}"
    for number, step in enumerate(preview.steps, start=1):
        yield f"  {number}. {step}"
    yield f"forecast  {say_length(preview.forecast_s)}"
    for line in preview.cannot:
        yield f"stays     {line}"
    if preview.refusal:
        yield f"refused   {preview.refusal}"


def _step_rows(deployment: Deployment, now: datetime) -> Iterator[list[str]]:
    for state in steps_in_order(deployment):
        name = f"↩ {state.step.name}" if is_rollback_step(state) else state.step.name
        yield [say_state(state.status.value), name, say_length(state.duration(now)), state.detail]


def _rollback_of(rollback: Rollback) -> Iterator[str]:
    yield f"rollback  {rollback.trigger.value}, asked for at {say_moment(rollback.requested_at)}: {rollback.reason}"
    yield f"          traffic back after {say_length(rollback.traffic_restored_after)}"
    yield f"          everything after {say_length(rollback.duration)}"
