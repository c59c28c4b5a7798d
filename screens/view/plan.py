"""A plan before it runs: steps with their undo, risk with reasons, forecast, refusals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.domain.ids import StepId
from console.domain.outlook import Bound, Outlook, Spread, Takeover
from console.domain.plan import Phase, Plan, Step, StepKind
from screens.view import words
from screens.view.rows import BLANK, Row, Span, Tone, column_width, fit_row, labelled, left, right, row, wrap, wrapped

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
        StepKind.CHECK_STANDBY,
        StepKind.VERIFY_FAILOVER,
        StepKind.AWAIT_UNUSED,
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
    rows += _subject(plan, width)
    rows += _live(plan, width)
    rows += _changes(plan.outlook, width)
    if plan.outlook.takeover is not None:
        rows += takeover_rows(plan.outlook.takeover, width)
    else:
        rows += labelled("takes", forecast_text(plan), width)
    rows += _bounds(plan.outlook, width)
    rows += _risk(plan, width)
    rows += _listed("also runs", plan.outlook.others, width, "warn")
    rows += _listed("way back", plan.obstacles, width, "warn")
    rows += _listed("note" if len(plan.notes) == 1 else "notes", plan.notes, width, "info")
    rows.append(BLANK)
    rows += step_rows(plan.steps, width, plan.outlook.spreads)
    return rows


def small_plan_rows(plan: Plan | None, problem: str, asking: str, width: int) -> list[Row]:
    """A plan of few steps, for a dialog: what stands against it, or the steps, then the notes."""
    if problem:
        return wrapped(problem, width, "bad")
    if plan is None:
        return [row(Span(asking, "dim"))]
    rows = [line for refusal in plan.refusals for line in wrapped(f"! {refusal}", width, "warn")]
    if not plan.refusals:
        rows += [line for step in plan.steps for line in wrapped(f"· {step.name}", width, "strong")]
    if plan.notes:
        rows += [BLANK] * bool(rows) + [line for note in plan.notes for line in wrapped(note, width, "dim")]
    return rows


def _subject(plan: Plan, width: int) -> list[Row]:
    what = words.subject(plan)
    if what == plan.release.name:
        rows = labelled("release", f"{plan.release}{_message(plan)}", width, "strong")
        return rows + labelled("goes to", f"{plan.environment}, {plan.strategy}", width, "strong")
    return labelled("does", f"{what} in {plan.environment}", width, "strong")


def _message(plan: Plan) -> str:
    return f"  “{plan.release.message}”" if plan.release.message else ""


def _live(plan: Plan, width: int) -> list[Row]:
    """What runs now, the services of one release together."""
    services: dict[str, list[str]] = {}
    for service, release in plan.current.items():
        services.setdefault(words.short_release(release), []).append(service)
    live = ", ".join(f"{release} ({', '.join(names)})" for release, names in services.items())
    return labelled("live now", live or "nothing", width)


def _listed(label: str, texts: Sequence[str], width: int, tone: Tone) -> list[Row]:
    """Sentences under one label."""
    return [line for number, text in enumerate(texts) for line in labelled("" if number else label, text, width, tone)]


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
    if outlook.rollback is not None and (outlook.rollback.length or outlook.rollback.unknown):
        rows += labelled("back in", f"{_bound(outlook.rollback)} at the longest, asked for at the very end", width)
    return rows


def takeover_rows(takeover: Takeover, width: int) -> list[Row]:
    """Recovery time and loss as they are to be expected now, beside what is promised."""
    time = f"about {words.span_of(takeover.rto_s)}{_promised(takeover.promised_rto_s)}, approvals not counted"
    if takeover.unmeasured:
        never = ", ".join(takeover.unmeasured)
        time += f"; never measured, so {words.span_of(takeover.assumed_s)} each: {never}"
    broken = takeover.promised_rto_s is not None and takeover.rto_s > takeover.promised_rto_s
    rows = labelled("recovery", time, width, "warn" if broken else "strong")
    rows += labelled("loss", _loss(takeover), width, "strong" if takeover.fenced else "warn")
    if takeover.resolvers_s:
        kept = f"some visitors may be led to the old address for {words.span_of(takeover.resolvers_s)} more"
        rows += labelled("resolvers", kept, width, "warn")
    return rows


def _loss(takeover: Takeover) -> str:
    behind = "nobody can say how far" if takeover.lag_s is None else f"now {takeover.lag_s:.1f} s"
    promise = _promised(takeover.promised_rpo_s)
    if takeover.fenced:
        return f"none: writes stop before the standby ({behind} behind) takes over{promise}"
    if takeover.lag_s is None:
        return f"unknown: the old side is not fenced, and the standby tells no last commit{promise}"
    return f"at most {takeover.lag_s:.1f} s of writes: the old side is not fenced{promise}"


def _promised(seconds: float | None) -> str:
    return f" (promised {words.span_of(seconds)})" if seconds is not None else ""


def _bound(bound: Bound) -> str:
    if not bound.unknown:
        return words.span_of(bound.length)
    return f"{words.span_of(bound.length)} and {words.plural(bound.unknown, 'step')} that never ran before"


def step_rows(steps: Sequence[Step], width: int, spreads: Mapping[StepId, Spread] | None = None) -> list[Row]:
    """Each step under its phase, with how it is taken back."""
    rows: list[Row] = []
    name_width = column_width((step.name for step in steps), 12, max(14, min(48, width * 9 // 20)))
    order = list(Phase)
    previous: Phase | None = None
    for number, step in enumerate(sorted(steps, key=lambda step: order.index(step.phase)), 1):
        if step.phase is not previous:
            rows.append(row(Span(step.phase.value, "accent")))
            previous = step.phase
        rows += _step(number, step, width, name_width, (spreads or {}).get(step.id))
    return rows


def _step(number: int, step: Step, width: int, name_width: int, spread: Spread | None) -> list[Row]:
    forecast = f"~{words.span_of(step.forecast)}" if step.forecast is not None else "?"
    varied = spread is not None and spread.longest > spread.shortest and width >= WIDE
    between = f"{words.span_of(spread.shortest)}–{words.span_of(spread.longest)}" if spread and varied else ""
    head = row(
        Span(right(str(number), 4) + " ", "dim"),
        Span(left(step.name, name_width)),
        Span(right(forecast, 8), "dim"),
        Span(f" {between:<13}" if width >= WIDE and spread is not None else "", "dim"),
        "  ",
    )
    undo = undo_text(step)
    if undo.tone != "warn":
        return [fit_row(row(*head.spans, undo, key=step.id), width)]
    first, *rest = wrap(undo.text, max(20, width - head.width - 2))
    below = [row(" " * (head.width + 2), Span(line, undo.tone), key=step.id) for line in rest]
    return [fit_row(line, width) for line in (row(*head.spans, Span(first, undo.tone), key=step.id), *below)]


def undo_text(step: Step) -> Span:
    """How the step is taken back, or that it is not."""
    if step.undo is not None:
        return Span(f"↶ {step.undo.name}", "dim")
    if step.kind in LOOKING:
        return Span("changes nothing", "dim")
    if step.no_undo and step.kind is StepKind.ANNOUNCE:
        return Span("only tells", "dim")
    if step.no_undo:
        return Span(f"! no undo: {step.no_undo}", "warn")
    if step.undoes is not None:
        return Span("takes back a step itself", "dim")
    return Span("nothing to take back", "dim")
