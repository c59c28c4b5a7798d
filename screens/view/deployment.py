"""One deployment in full: who and what, a step in detail, and what was recorded."""

from __future__ import annotations

from datetime import datetime

from console.domain.deployment import Deployment, StepState
from console.domain.emergency import Emergency
from console.domain.failover import EXACT, read_figures
from screens.view import words
from screens.view.charts import bar
from screens.view.headline import why_back
from screens.view.pipeline import sign_of, time_text, waiting_words
from screens.view.plan import RISK, undo_text
from screens.view.rows import BLANK, Row, Span, fit_row, labelled, left, right, row, wrapped
from screens.view.verdicts import verdict_rows


def identity_rows(deployment: Deployment, width: int) -> list[Row]:
    """Release, place, person, risk, reason."""
    plan = deployment.plan
    sign = words.DEPLOYMENT[deployment.status]
    started = words.day_and_time(deployment.requested_at)
    rows = [
        fit_row(row(Span(f"{plan.release} → {deployment.environment}", "strong"), "  ", sign.span), width),
        fit_row(
            row(
                Span(f"{plan.strategy}, {deployment.id}, by {deployment.requested_by} at {started} UTC", "dim"),
                Span(f"  risk {plan.risk.word} ({plan.risk.score})", RISK[plan.risk.word]),
            ),
            width,
        ),
    ]
    if deployment.reason:
        rows += wrapped(f"“{deployment.reason}”", width, "text")
    if deployment.emergency:
        rows += emergency_rows(deployment.emergency, width)
    return rows + failover_rows(deployment, width)


def failover_rows(deployment: Deployment, width: int) -> list[Row]:
    """What a failover came to, or what its rehearsal expects, once that is known."""
    figures = read_figures(deployment)
    if figures is None:
        return []
    rehearsed = bool(figures["rehearsal"])
    time = figures.get("expected_rto_s" if rehearsed else "rto_s")
    if not isinstance(time, int | float):
        return []
    lost = figures.get("expected_rpo_s" if rehearsed else "rpo_s")
    at_most = f"at most {lost:.1f} s of writes" if isinstance(lost, int | float) else "unknown"
    loss = "none" if figures["rpo"] == EXACT and not rehearsed else at_most
    head = "a failover now would take" if rehearsed else "recovery took"
    promised = figures["promised_rto_s"]
    promise = f" (promised {words.span_of(promised)})" if isinstance(promised, int | float) else ""
    broken = isinstance(promised, int | float) and time > promised
    return wrapped(f"{head} {words.span_of(time)}{promise}; loss: {loss}", width, "warn" if broken else "good")


def emergency_rows(emergency: Emergency, width: int) -> list[Row]:
    """What was passed over, and how its review stands."""
    until = f", allowed until {words.clock(emergency.expires_at)} UTC" if emergency.expires_at else ""
    rows = wrapped(f"! emergency: passed over {', '.join(emergency.skipped) or 'no gate'}{until}", width, "warn")
    review = emergency.review
    if review is None:
        return rows
    where = f" {review.traced_at}" if review.traced_at else ""
    if review.is_open:
        return rows + wrapped(f"! not reviewed yet by somebody else{where}", width, "warn")
    return rows + wrapped(f"reviewed by {review.closed_by}: {review.comment}{where}", width, "dim")


def step_detail(deployment: Deployment, state: StepState | None, now: datetime, width: int) -> list[Row]:
    """Everything known about one step."""
    if state is None:
        return [row(Span("Choose a step with j and k.", "dim"))]
    step = state.step
    sign = sign_of(state)
    rows = [fit_row(row(Span(step.name, "strong"), "  ", sign.span), width)]
    said = waiting_words(state, now) if state.status.value == "waiting" else state.detail
    if said:
        rows += wrapped(said, width, sign.tone if sign.tone != "dim" else "text")
    rows.append(BLANK)
    place = ", ".join(part for part in (step.service or "", step.provider or "") if part)
    rows += labelled("kind", f"{step.kind.value}, phase {step.phase.value}" + (f", {place}" if place else ""), width)
    if state.started_at is not None:
        ended = words.clock(state.ended_at) if state.ended_at is not None else "now"
        rows += labelled("time", f"{words.clock(state.started_at)} – {ended}, {time_text(state, now)}", width)
    if step.forecast is not None:
        rows += labelled("forecast", f"~{words.span_of(step.forecast)}", width)
    if state.attempts > 1:
        rows += labelled("attempts", f"{state.attempts} of {step.attempts}", width, "warn")
    if state.operation is not None:
        reference = f", platform's own {state.operation.reference}" if state.operation.reference else ""
        rows += labelled("operation", f"{state.operation.key}{reference}", width)
    rows += labelled("limit", words.span_of(step.time_limit), width)
    needs = ", ".join(deployment.steps[need].step.name for need in step.needs if need in deployment.steps)
    if needs:
        rows += labelled("after", needs, width)
    undo = undo_text(step)
    rows += labelled("undo", undo.text, width, undo.tone)
    for key, value in state.outputs.items():
        rows += labelled(key.replace("_", " "), str(value), width)
    for record in deployment.verdicts:
        if record.step == step.id:
            rows += [BLANK, *verdict_rows(record, width)]
    return rows


def record_rows(deployment: Deployment, width: int) -> list[Row]:
    """Verdicts, traffic and controls in the order in which they came."""
    told: list[tuple[datetime, int, list[Row]]] = []
    for number, traffic in enumerate(deployment.traffic):
        told.append((traffic.at, number, [_traffic(traffic.at, traffic.service, dict(traffic.weights), width)]))
    for number, verdict in enumerate(deployment.verdicts):
        told.append((verdict.at, number, verdict_rows(verdict, width)))
    for number, control in enumerate(deployment.controls):
        state = deployment.steps.get(control.step) if control.step is not None else None
        step = f" {state.step.name}" if state is not None else ""
        reason = f": {control.reason}" if control.reason else ""
        told.append(
            (
                control.at,
                number,
                wrapped(
                    f"{words.clock(control.at)} {control.actor} asked to {control.control.value}{step}{reason}", width
                ),
            )
        )
    told += _rollback(deployment, width)
    if not told:
        return [row(Span("No verdict, shift of traffic or key press yet.", "dim"))]
    return [line for _, _, lines in sorted(told, key=lambda item: (item[0], item[1])) for line in lines]


def _traffic(at: datetime, service: str, weights: dict[str, int], width: int) -> Row:
    spans = [Span(f"{words.clock(at)} ", "dim"), Span(f"{left(service, 10)} ", "strong")]
    for arm, weight in weights.items():
        filled, empty = bar(weight / 100, max(2, min(8, (width - 22) // len(weights) - 12)))
        spans += [Span(f"{arm} "), Span(filled, "bar"), Span(empty, "rule"), Span(f"{right(str(weight), 3)}%  ")]
    return fit_row(row(*spans), width)


def _rollback(deployment: Deployment, width: int) -> list[tuple[datetime, int, list[Row]]]:
    rollback = deployment.rollback
    if rollback is None:
        return []
    by = "by itself" if rollback.trigger.value == "automatic" else f"by {rollback.requested_by}"
    told = [
        (
            rollback.requested_at,
            1000,
            wrapped(f"{words.clock(rollback.requested_at)} ↶ rollback {by}{why_back(rollback)}", width, "warn"),
        )
    ]
    if rollback.traffic_restored_at is not None:
        after = words.fine_span(rollback.traffic_restored_after)
        text = f"{words.clock(rollback.traffic_restored_at)} ✓ traffic back after {after}"
        told.append((rollback.traffic_restored_at, 1001, wrapped(text, width, "good")))
    if rollback.ended_at is not None:
        text = f"{words.clock(rollback.ended_at)} rollback ended after {words.fine_span(rollback.duration)}"
        told.append((rollback.ended_at, 1002, wrapped(text, width)))
    return told
