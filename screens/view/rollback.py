"""What the rollback dialog says: what will happen, in how long, and what cannot be undone."""

from __future__ import annotations

from datetime import datetime

from console.client.service import RollbackPreview
from console.domain.deployment import Deployment
from screens.view import words
from screens.view.rows import BLANK, Row, Span, labelled, row, wrapped

SHOWN_STEPS = 8


def target_of(deployment: Deployment) -> tuple[str, int, bool]:
    """What a dialog is armed for: it refuses once this differs."""
    return deployment.id, len(deployment.traffic), deployment.rollback is not None


def changed(armed: tuple[str, int, bool], latest: Deployment | None) -> str:
    """Why the dialog no longer fits what happens; empty while it does."""
    if latest is None:
        return "the deployment is no longer known."
    now = target_of(latest)
    if now[0] != armed[0]:
        return f"another deployment began: {latest.plan.release.name} ({latest.id})."
    if now[2] and not armed[2]:
        by = latest.rollback.requested_by if latest.rollback else "somebody"
        return f"a rollback was already asked for by {by}."
    return ""


def rollback_rows(
    deployment: Deployment, preview: RollbackPreview | None, problem: str, now: datetime, width: int, height: int
) -> list[Row]:
    """The dialog's body in at most `height` lines; steps give way first."""
    if preview is None:
        name = deployment.plan.release.name
        said = wrapped(problem, width, "bad") if problem else [row(Span("Reading what was done …", "dim"))]
        return [row(Span(f"{name} in {deployment.environment}", "strong")), *said]
    release = f"{preview.from_release} → {preview.to_release}"
    rows = labelled("environment", preview.environment, width, "strong")
    rows += labelled("release", release, width, "strong")
    if preview.services:
        rows += labelled("services", f"only {', '.join(preview.services)}", width, "strong")
    rows += labelled("takes", _duration(preview), width)
    rows += labelled("now", _standing(deployment, now), width)
    if preview.refusal:
        return [*rows, BLANK, *wrapped(f"! {preview.refusal}", width, "warn")]
    after: list[Row] = []
    if preview.cannot:
        after = [BLANK, row(Span("This stays as it is:", "warn"))]
        after += [line for text in preview.cannot for line in wrapped(f"! {text}", width, "warn", 1)]
    elif preview.asked:
        after = [BLANK, row(Span("Everything that was done can be taken back.", "good"))]
    for text in preview.restorable:
        offered = f"`quarterdeck rollback {preview.deployment} --restore-database`"
        after += wrapped(f"! A backup could take it back: {text}. Not by this key: {offered}", width, "warn", 1)
    if problem:
        after += [BLANK, *wrapped(problem, width, "bad")]
    elif not preview.asked:
        after += [
            BLANK,
            row(Span("Asking the platforms whether anything stands in the way; `y` need not wait.", "dim")),
        ]
    room = max(2, min(SHOWN_STEPS, height - len(rows) - len(after) - 2))
    steps = [BLANK, row(Span("What will happen, traffic first:", "dim"))]
    shown = preview.steps if len(preview.steps) <= room else preview.steps[: room - 1]
    steps += [row(Span(f" {number} ", "dim"), Span(text)) for number, text in enumerate(shown, 1)]
    if len(shown) < len(preview.steps):
        steps.append(row(Span(f"   and {words.plural(len(preview.steps) - len(shown), 'more step')}", "dim")))
    return [*rows, *steps, *after]


def _duration(preview: RollbackPreview) -> str:
    return (
        "unknown: no step has a history yet"
        if preview.forecast_s is None
        else (f"about {words.span_of(preview.forecast_s)}; traffic goes first")
    )


def _standing(deployment: Deployment, now: datetime) -> str:
    sign = words.DEPLOYMENT[deployment.status]
    last = deployment.controls[-1] if deployment.controls else None
    acting = f"; last key: {last.control.value} by {last.actor} at {words.clock(last.at)}" if last else ""
    return f"{sign.glyph} {sign.word}, asked for by {deployment.requested_by}{acting}"
