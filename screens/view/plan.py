"""A plan before it runs: steps with their undo, risk with reasons, forecast, refusals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.domain.ids import StepId
from console.domain.outlook import Bound, Outlook, Spread
from console.domain.plan import Phase, Plan, Step, StepKind
from screens.view import words
from screens.view.rows import BLANK, Row, Span, Tone, column_width, fit_row, labelled, left, right, row, wrapped

RISK: dict[str, Tone] = {"low": "good", "medium": "warn", "high": "bad"}
LOOKING = frozenset(
    {
        StepKind.CHECK_COMMIT,
        StepKind.APPROVAL,
        StepKind.HEALTH,
        StepKind.INTEGRATION,
        StepKind.BENCHMARK,
        StepKind.MEASURE,
        StepKind.BAKE,
        StepKind.VERIFY,
    }
)
"""Kinds of steps that only look and wait."""
WIDE = 110
"""Columns from which there is room for how far a forecast varied."""
RISK_GLYPH = {"low": "●", "medium": "◐", "high": "✗"}


def forecast_text(plan: Plan) -> str:
    total = plan.forecast
    if total is not None:
        return f"about {words.span_of(total)}, approvals and waiting for people not counted"
    unknown = sum(1 for step in plan.steps if step.forecast is None)
    return f"unknown: {words.plural(unknown, 'step')} of {len(plan.steps)} never ran before"


def plan_rows(plan: Plan, width: int) -> list[Row]:
    """What would happen, the reasons against it first."""
    rows: list[Row] = []
    if plan.refusals:
        count = words.plural(len(plan.refusals), "reason")
        rows.append(row(Span(f"✗ This cannot start, for {count}:", "bad")))
        rows += [line for refusal in plan.refusals for line in wrapped(f"– {refusal}", width, "bad", 2)]
        rows.append(BLANK)
    rows += labelled("release", f"{plan.release}{_message(plan)}", width, "strong")
    rows += labelled("goes to", f"{plan.environment}, {plan.strategy}", width, "strong")
    rows += _live(plan, width)
    rows += _changes(plan.outlook, width)
    rows += labelled("takes", forecast_text(plan), width)
    rows += _bounds(plan.outlook, width)
    rows += _risk(plan, width)
    for other in plan.outlook.others:
        rows += labelled("also runs", other, width, "warn")
    for obstacle in plan.obstacles:
        rows += labelled("way back", obstacle, width, "warn")
    for note in plan.notes:
        rows += labelled("note", note, width, "info")
    rows.append(BLANK)
    rows += step_rows(plan.steps, width, plan.outlook.spreads)
    return rows


def _message(plan: Plan) -> str:
    return f"  “{plan.release.message}”" if plan.release.message else ""


def _live(plan: Plan, width: int) -> list[Row]:
    live = ", ".join(f"{service} {release}" for service, release in plan.current.items())
    return labelled("live now", live or "nothing", width)


def _risk(plan: Plan, width: int) -> list[Row]:
    word = plan.risk.word
    head = f"{RISK_GLYPH[word]} {word} ({plan.risk.score} of 100)"
    points = [f"+{point} " for point in plan.risk.points] or [""] * len(plan.risk.reasons)
    reasons = "  ".join(f"{point}{reason}" for point, reason in zip(points, plan.risk.reasons, strict=True))
    return labelled("risk", f"{head}  {reasons}".rstrip(), width, RISK[word])


def _changes(outlook: Outlook, width: int) -> list[Row]:
    """What goes side by side, and what differs from what is live: commits, schema, names of variables."""
    rows: list[Row] = []
    if outlook.waves:
        order = " → ".join(", ".join(wave) for wave in outlook.waves)
        rows += labelled("services", order, width)
    if outlook.commits:
        rows += labelled("commits", f"{len(outlook.commits)}: {' · '.join(reversed(outlook.commits))}", width)
    if outlook.migrations:
        rows += labelled("schema", ", ".join(outlook.migrations), width, "warn")
    for place in outlook.variables:
        where = f"{place.arm} of {place.service}" if place.arm else place.service
        signs = [*(f"+{n}" for n in place.added), *(f"~{n}" for n in place.changed), *(f"-{n}" for n in place.removed)]
        rows += labelled("variables", f"{where}: {' '.join(signs)}", width, "warn")
    return rows


def _bounds(outlook: Outlook, width: int) -> list[Row]:
    rows: list[Row] = []
    if outlook.promotion is not None:
        rows += labelled("at best", _bound(outlook.promotion), width)
    if outlook.rollback is not None:
        rows += labelled("back in", f"{_bound(outlook.rollback)} at the longest, asked for at the very end", width)
    return rows


def _bound(bound: Bound) -> str:
    if not bound.unknown:
        return words.span_of(bound.length)
    return f"{words.span_of(bound.length)} and {words.plural(bound.unknown, 'step')} that never ran before"


def step_rows(steps: Sequence[Step], width: int, spreads: Mapping[StepId, Spread] | None = None) -> list[Row]:
    """Each step under its phase, with how it is taken back."""
    rows: list[Row] = []
    name_width = column_width((step.name for step in steps), 12, max(14, min(38, width // 2)))
    order = list(Phase)
    previous: Phase | None = None
    for number, step in enumerate(sorted(steps, key=lambda step: order.index(step.phase)), 1):
        if step.phase is not previous:
            rows.append(row(Span(step.phase.value, "accent")))
            previous = step.phase
        rows.append(_step(number, step, width, name_width, (spreads or {}).get(step.id)))
    return rows


def _step(number: int, step: Step, width: int, name_width: int, spread: Spread | None) -> Row:
    forecast = f"~{words.span_of(step.forecast)}" if step.forecast is not None else "?"
    varied = spread is not None and spread.longest > spread.shortest and width >= WIDE
    between = f"{words.span_of(spread.shortest)}–{words.span_of(spread.longest)}" if spread and varied else ""
    undo = undo_text(step)
    return fit_row(
        row(
            Span(right(str(number), 4) + " ", "dim"),
            Span(left(step.name, name_width)),
            Span(right(forecast, 8), "dim"),
            Span(f" {between:<13}" if width >= WIDE and spread is not None else "", "dim"),
            "  ",
            undo,
            key=step.id,
        ),
        width,
    )


def undo_text(step: Step) -> Span:
    """How the step is taken back, or that it is not."""
    if step.undo is not None:
        return Span(f"↶ {step.undo.name}", "dim")
    if step.no_undo:
        return Span(f"! no undo: {step.no_undo}", "warn")
    if step.undoes is not None:
        return Span("takes back a step itself", "dim")
    return Span("changes nothing" if step.kind in LOOKING else "nothing to take back", "dim")
