"""Build a report from a deployment's record and the figures kept beside it. Pure; asked twice, it says the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from console.domain.deployment import Deployment, DeploymentStatus, StepState, StepStatus
from console.domain.events import Control
from console.domain.plan import Phase
from console.domain.release import Release
from console.domain.telemetry import Measurement
from console.planning.rollback import name_irreversible
from console.reports import evidence, findings
from console.reports.model import Bar, GateLine, PlatformResult, Report, RollbackPart, Row, StepLine, Tone
from console.reports.words import (
    ABSENT,
    STATUS_WORDS,
    STEP_MARKS,
    VERDICT_MARKS,
    VERDICT_WORDS,
    clock_time,
    length,
    moment,
)

STATUS_TONES = {
    DeploymentStatus.SUCCEEDED: Tone.GOOD,
    DeploymentStatus.ROLLED_BACK: Tone.DOUBT,
    DeploymentStatus.ABORTED: Tone.DOUBT,
    DeploymentStatus.FAILED: Tone.BAD,
}

STEP_TONES = {
    StepStatus.SUCCEEDED: Tone.GOOD,
    StepStatus.FAILED: Tone.BAD,
    StepStatus.LOST: Tone.BAD,
    StepStatus.UNDONE: Tone.DOUBT,
    StepStatus.RUNNING: Tone.BUSY,
    StepStatus.WAITING: Tone.BUSY,
}

LEAST_SPAN = timedelta(seconds=1)


def build_report(
    deployment: Deployment,
    now: datetime,
    measurements: Sequence[Measurement] = (),
    changes: Sequence[Release] = (),
    artifacts: Mapping[str, str] | None = None,
) -> Report:
    """Say everything about one deployment.

    Args:
        now: When the report is written; what has not ended is measured up to it.
        measurements: Figures kept during the deployment, for the curves; without them the judge's own are drawn.
        changes: Commits that the release added, oldest first.
        artifacts: More things to list, name to place.
    """
    start = deployment.requested_at
    end = max(deployment.ended_at or now, start + LEAST_SPAN)
    return Report(
        deployment=deployment,
        written_at=now,
        start=start,
        end=end,
        headline=findings.headline(deployment),
        status=STATUS_WORDS[deployment.status],
        tone=STATUS_TONES.get(deployment.status, Tone.BUSY),
        identity=_identity(deployment),
        summary=findings.summarise(deployment, now, changes),
        figures=findings.list_figures(deployment, now),
        platforms=_platforms(deployment, now),
        gates=_gates(deployment),
        stages=evidence.list_stages(deployment),
        charts=evidence.build_charts(deployment, measurements, start, end),
        timeline=_timeline(deployment, now),
        rollback=_rollback(deployment, now),
        issues=findings.list_issues(deployment),
        next_steps=findings.list_next_steps(deployment),
        artifacts=_artifacts(deployment, artifacts or {}),
        marks=_marks(deployment),
    )


def _identity(deployment: Deployment) -> tuple[Row, ...]:
    plan = deployment.plan
    approvers = dict.fromkeys(record.actor for record in deployment.controls if record.control is Control.APPROVE)
    rows = [
        Row("Deployment", deployment.id),
        Row("Environment", deployment.environment),
        Row("Release", plan.release.name),
        Row("Commit", plan.release.commit),
        Row("Change", plan.release.message.splitlines()[0] if plan.release.message else ""),
        Row("Author", plan.release.author),
        Row("Strategy", plan.strategy),
        Row("Services", ", ".join(plan.services)),
        Row("Before", ", ".join(f"{service} {commit[:8]}" for service, commit in plan.current.items())),
        Row("Requested by", deployment.requested_by),
        Row("Reason", deployment.reason),
        *_emergency(deployment),
        Row("Approved by", ", ".join(approvers)),
        Row("Requested", moment(deployment.requested_at)),
        Row("Started", moment(deployment.started_at)),
        Row("Ended", moment(deployment.ended_at)),
        Row("Worker", " → ".join(dict.fromkeys(deployment.workers))),
        Row("Plan", plan.digest),
    ]
    return tuple(row for row in rows if row.value and row.value != ABSENT)


def _emergency(deployment: Deployment) -> tuple[Row, ...]:
    emergency = deployment.emergency
    if emergency is None:
        return ()
    passed = f"yes: passed over {', '.join(emergency.skipped) or 'no gate'}"
    review = emergency.review
    if review is None:
        return (Row("Emergency", passed, Tone.BAD),)
    said = f"closed by {review.closed_by} at {moment(review.closed_at)}: {review.comment}"
    where = f" · {review.traced_at}" if review.traced_at else ""
    rows = [
        Row("Emergency", passed, Tone.BAD),
        Row("Allowed until", moment(emergency.expires_at)),
        Row("Review", ("open" if review.is_open else said) + where, Tone.DOUBT if review.is_open else Tone.GOOD),
    ]
    return tuple(rows)


def step_line(state: StepState, now: datetime) -> StepLine:
    begun = state.started_at is not None
    return StepLine(
        id=state.step.id,
        name=state.step.name,
        mark=STEP_MARKS[state.status],
        status=state.status.value if state.status is not StepStatus.PENDING else "not begun",
        tone=STEP_TONES.get(state.status, Tone.CALM),
        started=clock_time(state.started_at),
        took=length(state.duration(now)) if begun else ABSENT,
        forecast=length(state.step.forecast),
        attempts=state.attempts,
        detail=state.detail,
    )


def _platforms(deployment: Deployment, now: datetime) -> tuple[PlatformResult, ...]:
    groups: dict[str, list[StepState]] = {}
    for step in deployment.plan.steps:
        groups.setdefault(step.provider or "quarterdeck", []).append(deployment.steps[step.id])
    return tuple(_platform(name, states, now) for name, states in groups.items())


def _platform(name: str, states: Sequence[StepState], now: datetime) -> PlatformResult:
    found = {state.status for state in states}
    if StepStatus.FAILED in found or StepStatus.LOST in found:
        result, tone = "a step failed", Tone.BAD
    elif StepStatus.UNDONE in found:
        result, tone = "taken back", Tone.DOUBT
    elif found <= {StepStatus.SUCCEEDED, StepStatus.SKIPPED}:
        result, tone = "done", Tone.GOOD
    elif found <= {StepStatus.PENDING, StepStatus.SKIPPED}:
        result, tone = "not begun", Tone.CALM
    elif found & {StepStatus.RUNNING, StepStatus.WAITING}:
        result, tone = "in progress", Tone.BUSY
    else:
        result, tone = "partly done", Tone.DOUBT
    services = dict.fromkeys(str(state.step.service) for state in states if state.step.service)
    return PlatformResult(name, tuple(services), result, tone, tuple(step_line(state, now) for state in states))


def _gates(deployment: Deployment) -> tuple[GateLine, ...]:
    lines: list[tuple[datetime, GateLine]] = []
    for record in deployment.verdicts:
        kind = record.verdict.kind
        state = deployment.steps.get(record.step)
        line = GateLine(
            at=clock_time(record.at),
            step=state.step.name if state else record.step,
            service=record.service or "",
            mark=VERDICT_MARKS[kind],
            verdict=VERDICT_WORDS[kind],
            tone=evidence.VERDICT_TONES[kind.value],
            explanation=record.verdict.explanation,
            evidence=evidence.list_evidence(record.verdict.evidence),
        )
        lines.append((record.at, line))
    for control in deployment.controls:
        if control.control in {Control.APPROVE, Control.REJECT}:
            approved = control.control is Control.APPROVE
            line = GateLine(
                at=clock_time(control.at),
                step="Approval",
                service="",
                mark="✔" if approved else "✖",
                verdict="approved" if approved else "rejected",
                tone=Tone.GOOD if approved else Tone.BAD,
                explanation=f"by {control.actor}" + (f": {control.reason}" if control.reason else ""),
            )
            lines.append((control.at, line))
    return tuple(line for _, line in sorted(lines, key=lambda pair: pair[0]))


def _timeline(deployment: Deployment, now: datetime) -> tuple[Bar, ...]:
    bars = []
    for state in deployment.steps.values():
        if state.started_at is None:
            continue
        line = step_line(state, now)
        tone = Tone.CALM if state.step.phase is Phase.ROLLBACK and line.tone is Tone.GOOD else line.tone
        until = max(state.ended_at or now, state.started_at)
        words = f"{line.name}: {line.status}, {line.took}"
        bars.append(Bar(line.name, state.step.service or "", state.started_at, until, tone, words))
    return tuple(sorted(bars, key=lambda bar: bar.start))


def _rollback(deployment: Deployment, now: datetime) -> RollbackPart | None:
    rollback = deployment.rollback
    if rollback is None:
        return None
    rows = [
        Row("Trigger", "by itself, on a verdict" if rollback.trigger == "automatic" else "by hand"),
        Row("Asked for by", rollback.requested_by),
        Row("Reason", rollback.reason),
        Row("Services", ", ".join(rollback.services) or "all"),
        Row("Asked for", moment(rollback.requested_at)),
        Row("Traffic back", _after(rollback.traffic_restored_at, rollback.traffic_restored_after), Tone.GOOD),
        Row("All done", _after(rollback.ended_at, rollback.duration)),
    ]
    steps = tuple(step_line(deployment.steps[step], now) for step in rollback.steps if step in deployment.steps)
    kept = tuple(row for row in rows if row.value)
    return RollbackPart(kept, steps, name_irreversible(deployment))


def _after(at: datetime | None, took: timedelta | None) -> str:
    return ABSENT if at is None else f"{moment(at)}, after {length(took)}"


def _artifacts(deployment: Deployment, more: Mapping[str, str]) -> tuple[Row, ...]:
    rows = [Row(name, place) for name, place in more.items()]
    rows.append(Row("Record", f"quarterdeck show {deployment.id} --format json"))
    rows.append(Row("Logs", f"quarterdeck logs {deployment.id}"))
    for state in deployment.steps.values():
        where = f"{state.step.provider}, {state.step.name}" if state.step.provider else state.step.name
        url = state.outputs.get("url")
        if state.operation is not None and state.operation.reference:
            rows.append(Row(where, state.operation.reference + (f" · {url}" if isinstance(url, str) and url else "")))
    return tuple(rows)


def _marks(deployment: Deployment) -> dict[str, datetime]:
    rollback = deployment.rollback
    if rollback is None:
        return {}
    marks = {"rollback": rollback.requested_at}
    if rollback.traffic_restored_at is not None:
        marks["traffic back"] = rollback.traffic_restored_at
    return marks
