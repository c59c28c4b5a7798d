"""Above a deployment's steps: how far it is, why it stopped or waits, and the keys that answer it."""

from __future__ import annotations

from datetime import datetime, timedelta

from console.domain.deployment import Deployment, DeploymentStatus, Rollback, StepState
from console.domain.waiting import WAITING_FOR, say_waiting
from screens.view import words
from screens.view.charts import bar
from screens.view.environments import progress
from screens.view.rows import ELLIPSIS, Row, Span, Tone, fit, fit_row, row, wrap

MOST_HEADLINE_LINES = 3


def remaining(deployment: Deployment, now: datetime) -> timedelta | None:
    """How long the open steps should take along the slowest chain of forecasts; None where one is unknown."""
    rollback = deployment.rollback
    ends: dict[str, timedelta] = {}
    for key, state in deployment.steps.items():
        if rollback is not None and rollback.steps and key not in rollback.steps:
            continue
        if state.status.is_terminal:
            ends[key] = timedelta()
            continue
        if state.step.forecast is None:
            return None
        spent = state.duration(now) or timedelta()
        begins = max((ends[need] for need in state.step.needs if need in ends), default=timedelta())
        ends[key] = begins + max(timedelta(), state.step.forecast - spent)
    return max(ends.values(), default=timedelta())


def waited_for(deployment: Deployment) -> list[str]:
    """Platforms that do not answer at the moment, so that nobody can say how long it takes."""
    return list(dict.fromkeys(str(state.step.provider) for state in deployment.steps.values() if is_silent(state)))


def is_silent(state: StepState) -> bool:
    """Whether its platform does not answer, so that all it does is ask again."""
    return not state.status.is_terminal and state.detail.startswith(WAITING_FOR)


def title(deployment: Deployment | None) -> Row:
    """What is being deployed where, and how it stands."""
    if deployment is None:
        return row(Span("no deployment yet", "dim"))
    sign = words.DEPLOYMENT[deployment.status]
    what = f"  {words.subject(deployment.plan)} → {deployment.environment}"
    return row(sign.span, Span(what, "strong"), key=deployment.id)


def summary(deployment: Deployment, now: datetime, width: int) -> list[Row]:
    """Strategy, time and a bar; then, where there is one, the reason why it stopped."""
    done, count = progress(deployment)
    took = words.span_of(deployment.duration(now))
    facts = [deployment.plan.strategy, deployment.id]
    if deployment.is_terminal:
        time = f"took {took}"
    elif silent := waited_for(deployment):
        time = f"{took}, waits for {', '.join(silent)}"
    else:
        rest = remaining(deployment, now)
        time = took if rest is None else f"{took}, about {words.span_of(rest)} left"
    filled, empty = bar(done / count if count else 0.0, max(6, min(24, width - len(time) - 16)))
    sign = words.DEPLOYMENT[deployment.status]
    rows = [
        fit_row(row(Span(filled, sign.tone), Span(empty, "rule"), f" {done}/{count}  ", Span(time, "text")), width),
        fit_row(row(Span("  ".join(facts), "dim")), width),
    ]
    return rows + headline(deployment, width)


def headline(deployment: Deployment, width: int) -> list[Row]:
    """Why it stopped, waits or goes back; long sentences take a few lines, and keys stand under what they answer."""
    rows: list[Row] = []
    rollback = deployment.rollback
    if rollback is not None:
        by = "by itself" if rollback.trigger == "automatic" else f"by {rollback.requested_by}"
        rows += _said(f"↶ rollback {by}{why_back(rollback)}", width, "warn")
        back = rollback.traffic_restored_after
        if back is not None:
            rows.append(fit_row(row(Span(f"✓ traffic back after {words.fine_span(back)}", "good")), width))
    if rollback is not None and (waits := say_waiting(deployment)):
        rows += _said(f"… {waits}", width, "warn")
    rows += _failed(deployment, width)
    if deployment.status is DeploymentStatus.PAUSED:
        rows.append(
            fit_row(row(Span(f"‖ paused by {deployment.paused_by or 'somebody'}: space goes on", "warn")), width)
        )
    if deployment.failure:
        sign = words.DEPLOYMENT[deployment.status]
        rows += _said(f"{sign.glyph} {deployment.failure}", width, sign.tone)
    for service, state in deployment.left_behind.items():
        rows += _said(f"  {service}: {state}", width, "warn")
    return rows


def why_back(rollback: Rollback) -> str:
    """`: REASON`; nothing where the reason only names who asked."""
    said = rollback.reason.endswith(f" by {rollback.requested_by}")
    return "" if said or not rollback.reason else f": {rollback.reason}"


def _said(text: str, width: int, tone: Tone) -> list[Row]:
    lines = wrap(text, width - 2)
    if len(lines) > MOST_HEADLINE_LINES:
        lines = [*lines[: MOST_HEADLINE_LINES - 1], f"{fit(lines[MOST_HEADLINE_LINES - 1], width - 3)}{ELLIPSIS}"]
    return [row("  " if number else "", Span(line, tone)) for number, line in enumerate(lines)]


def asks(deployment: Deployment) -> bool:
    """Whether a failed step waits for a person's decision."""
    open_still = deployment.rollback is None and not deployment.is_terminal
    return open_still and any(state.asked for state in deployment.steps.values())


def _failed(deployment: Deployment, width: int) -> list[Row]:
    """Steps whose failure waits for a person, and the keys that answer it."""
    if not asks(deployment):
        return []
    asked = [state for state in deployment.steps.values() if state.asked]
    rows = [line for state in asked for line in _said(f"✗ {state.step.name} failed: {state.detail}", width, "bad")]
    skip = (Span("S", "key"), " skip it   ") if any(state.step.is_skippable for state in asked) else ()
    keys = row("  ", Span("t", "key"), " try again   ", *skip, Span("R", "key"), " roll back")
    return [*rows, fit_row(keys, width)]
