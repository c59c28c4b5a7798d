"""What a maintenance would do, as rows."""

from __future__ import annotations

from console.domain.plan import Plan
from screens.view.rows import BLANK, Row, Span, row, wrapped


def maintenance_rows(plan: Plan | None, problem: str, width: int) -> list[Row]:
    """The steps and notes of the plan, or why there is none."""
    if problem:
        return wrapped(problem, width, "bad")
    if plan is None:
        return [row(Span("Asking which services can show a page …", "dim"))]
    rows = [line for refusal in plan.refusals for line in wrapped(refusal, width, "warn")]
    if not plan.refusals:
        rows += [line for step in plan.steps for line in wrapped(f"· {step.name}", width, "strong")]
    if plan.notes:
        rows += [BLANK, *(line for note in plan.notes for line in wrapped(note, width, "dim"))]
    return rows
