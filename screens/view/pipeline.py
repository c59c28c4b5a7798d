"""The steps of a deployment, grouped by phase: what is done, what runs, what waits and why."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from console.domain.deployment import Deployment, StepState, StepStatus, is_rollback_step
from console.domain.plan import Phase
from screens.view import words
from screens.view.headline import asks, is_silent, summary
from screens.view.rows import BLANK, Row, Span, Tone, column_width, fit, fit_row, left, right, row, spread, wrap

QUIET = frozenset({StepStatus.SUCCEEDED, StepStatus.SKIPPED, StepStatus.UNDONE})
STATE_WIDTH = 9
TIME_WIDTH = 6
MOST_DETAIL_LINES = 2
LOW = 14
"""Lines under which the pane leaves out what can be read elsewhere."""
FEWEST_STEPS = 3


def sign_of(state: StepState) -> words.Sign:
    """A step that waits for its platform runs by the record, and reads as one that waits."""
    return words.STEP[StepStatus.WAITING if is_silent(state) else state.status]


def shown_steps(deployment: Deployment) -> list[StepState]:
    """All steps; those that will never begin any more read as left out."""
    over = deployment.is_terminal or deployment.rollback is not None
    return [
        replace(state, status=StepStatus.SKIPPED, detail="not begun")
        if over and state.status is StepStatus.PENDING and (deployment.is_terminal or not is_rollback_step(state))
        else state
        for state in deployment.steps.values()
    ]


def by_phase(states: Iterable[StepState]) -> list[tuple[Phase, list[StepState]]]:
    """The steps of one phase together, in plan order; a rollback comes first, because it is what matters then."""
    order = (Phase.ROLLBACK, *Phase)
    ordered = sorted(states, key=lambda state: order.index(state.step.phase))
    return [(phase, list(group)) for phase, group in itertools.groupby(ordered, key=lambda state: state.step.phase)]


def time_text(state: StepState, now: datetime) -> str:
    """Time spent, or the forecast with a `~` while it has not begun."""
    spent = state.duration(now)
    if state.status is StepStatus.SKIPPED:
        return ""
    if spent is not None:
        return words.span_of(spent)
    return f"~{words.span_of(state.step.forecast)}" if state.step.forecast is not None else ""


def waiting_words(state: StepState, now: datetime) -> str:
    """Why a step waits, and until when."""
    parts = [state.detail] if state.detail else []
    if state.retry_at is not None:
        parts.append(f"tries again at {words.clock(state.retry_at)} (attempt {state.attempts + 1})")
    elif state.waiting_until is not None:
        parts.append(f"until {words.clock(state.waiting_until)}")
    return ", ".join(parts)


def detail_text(state: StepState, now: datetime) -> str:
    """The one thing worth saying next to the step."""
    forecast = state.step.forecast
    if state.status is StepStatus.WAITING:
        return waiting_words(state, now)
    if state.status is StepStatus.RUNNING and forecast is not None and not is_silent(state):
        return f"of ~{words.span_of(forecast)}" + (f"  {state.detail}" if state.detail else "")
    return state.detail


def step_rows(
    states: Sequence[StepState], now: datetime, width: int, height: int | None = None, *, brief: bool = False
) -> list[Row]:
    """One line a step under its phase.

    With `height`, phases that do not fit fold to one line; `brief` leaves out failures that the headline tells.
    """
    groups = by_phase(states)
    folded = _to_fold(groups, height)
    name_width = column_width((state.step.name for state in states), 12, max(14, min(40, width - 20)))
    rows: list[Row] = []
    for phase, group in groups:
        if phase in folded:
            rows.append(_folded(phase, group, width))
            continue
        rows.append(_phase(phase, group, width))
        rows += [line for state in group for line in _step(state, now, width, name_width, brief)]
    return rows


def _to_fold(groups: Sequence[tuple[Phase, Sequence[StepState]]], height: int | None) -> set[Phase]:
    """Which phases give way: the finished ones, then those that have not begun, the last first."""
    excess = sum(len(group) + 1 for _, group in groups) + 1 - (height if height is not None else 10_000)
    if excess <= 0:
        return set()
    folded = {phase for phase, group in groups if all(state.status in QUIET for state in group)}
    excess -= sum(len(group) for phase, group in groups if phase in folded)
    for phase, group in reversed(groups):
        if excess <= 0:
            break
        if phase not in folded and all(state.status is StepStatus.PENDING for state in group):
            folded.add(phase)
            excess -= len(group)
    return folded


def _phase(phase: Phase, group: Sequence[StepState], width: int) -> Row:
    ended = sum(1 for state in group if state.status.is_terminal)
    return spread(row(Span(phase.value, "accent")), row(Span(f"{ended}/{len(group)}", "dim")), width)


def _folded(phase: Phase, group: Sequence[StepState], width: int) -> Row:
    spent = [state.ended_at - state.started_at for state in group if state.started_at and state.ended_at]
    took = words.span_of(max(spent)) if spent else ""
    statuses = {state.status for state in group}
    sign = words.STEP[statuses.pop() if len(statuses) == 1 else StepStatus.SUCCEEDED]
    head = row(
        Span(left(phase.value, 13), "accent"),
        sign.span,
        Span(f"  {words.plural(len(group), 'step')}", "dim"),
    )
    return spread(head, row(Span(took, "dim")), width)


def _step(state: StepState, now: datetime, width: int, name_width: int, brief: bool) -> list[Row]:
    sign = sign_of(state)
    time = right(time_text(state, now), TIME_WIDTH)
    active = state.status in {StepStatus.RUNNING, StepStatus.WAITING, StepStatus.FAILED, StepStatus.LOST}
    said = "" if state.asked and brief else detail_text(state, now)
    tone: Tone = "dim" if state.status in {StepStatus.PENDING, StepStatus.SKIPPED} else "text"
    head = (
        Span(f" {sign.glyph} {left(sign.word, STATE_WIDTH - 1)}", sign.tone),
        Span(left(state.step.name, name_width), "strong" if state.status is StepStatus.RUNNING else tone),
        Span(f" {time}", "dim" if not active else "text"),
    )
    line = row(*head, key=state.step.id)
    room = width - line.width - 2
    if not said:
        return [fit_row(line, width)]
    speaks = is_silent(state) or state.status in {StepStatus.FAILED, StepStatus.LOST, StepStatus.WAITING}
    detail_tone = sign.tone if speaks else "dim"
    if room >= len(said) or not active:
        if room < 8:
            return [fit_row(line, width)]
        return [row(*head, Span("  " + fit(said, room), detail_tone), key=state.step.id)]
    indent = STATE_WIDTH + 2
    below = wrap(said, max(10, width - indent))[:MOST_DETAIL_LINES]
    rows = [row(" " * indent, Span(text, detail_tone), key=state.step.id) for text in below]
    return [fit_row(line, width), *rows]


class Pipeline(NamedTuple):
    """The whole pane; the first `pinned` rows say what matters whatever steps are in sight."""

    rows: list[Row]
    pinned: int


def pipeline_rows(deployment: Deployment | None, now: datetime, width: int, height: int) -> Pipeline:
    """Summary, then steps; in a low pane the summary leaves out what the deployment's own screen says."""
    if deployment is None:
        said = [BLANK, row(Span("  Nothing has been deployed here yet.", "dim")), row(Span("  d plans one.", "dim"))]
        return Pipeline(said, 0)
    head = summary(deployment, now, width)
    if height < LOW:
        del head[1]
    states = shown_steps(deployment)
    steps = step_rows(states, now, width, height - len(head), brief=asks(deployment))
    return Pipeline([*head, *steps], len(head) if height - len(head) >= FEWEST_STEPS else 0)


def connection_rows(detail: str, width: int) -> list[Row]:
    """What stands where the pipeline will be, until the worker has answered for the first time."""
    rows = [BLANK, row(Span("  Asking the worker …", "dim"))]
    if detail:
        rows += [row("  ", Span(line, "warn")) for line in wrap(detail, width - 2)]
        rows.append(row(Span("  It is tried again by itself; q leaves.", "dim")))
    return rows


def active_key(deployment: Deployment | None) -> str:
    """The step to keep in sight: what runs, else what waits, else what failed; none once it has ended."""
    if deployment is None or deployment.is_terminal:
        return ""
    states = deployment.steps.values()
    for status in (StepStatus.RUNNING, StepStatus.WAITING, StepStatus.FAILED, StepStatus.LOST):
        for state in states:
            if state.status is status:
                return state.step.id
    return ""
