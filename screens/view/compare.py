"""Two deployments side by side: what they were, how they ended, and how long each step took."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest

from console.domain.deployment import Deployment, StepState, StepStatus, is_rollback_step
from console.domain.verdict import VerdictKind
from screens.view import words
from screens.view.rows import BLANK, Row, Span, Tone, column_width, fit_row, left, right, row, wrap

LABEL = 12
TIME = 9
SLOWER = 1.25
"""From this ratio on, and from two seconds, a step is said to be slower, or faster the other way round."""
NOTICEABLE = timedelta(seconds=2)


def compare_rows(first: Deployment, second: Deployment, now: datetime, width: int) -> list[Row]:
    """Facts, then the times of the steps that either has; what differs stands out."""
    room = max(10, (width - LABEL - 4) // 2)
    rows = [
        fit_row(row(Span(left("", LABEL), "dim"), " ", *_heads(first, second, room)), width),
        *(line for label, a, b in _facts(first, second, now) for line in _fact(label, a, b, room)),
        BLANK,
    ]
    return rows + _steps(first, second, now, width)


def _heads(first: Deployment, second: Deployment, room: int) -> Iterator[Span]:
    yield Span(left(first.id, room) + "  ", "accent")
    yield Span(left(second.id, room), "accent")


def _facts(first: Deployment, second: Deployment, now: datetime) -> Iterator[tuple[str, str, str]]:
    pairs = zip(_about(first, now), _about(second, now), strict=True)
    yield from ((label, a, b) for (label, a), (_, b) in pairs if a or b)


def _about(d: Deployment, now: datetime) -> Iterator[tuple[str, str]]:
    sign = words.DEPLOYMENT[d.status]
    yield "release", str(d.plan.release)
    yield "environment", d.environment
    yield "strategy", d.plan.strategy
    yield "services", ", ".join(d.plan.services)
    yield "result", f"{sign.glyph} {sign.word}"
    yield "asked for", f"{words.day_and_time(d.requested_at)} by {d.requested_by}"
    yield "took", words.span_of(d.duration(now))
    yield "risk", f"{d.plan.risk.word} ({d.plan.risk.score})"
    yield "steps", f"{sum(1 for s in d.steps.values() if s.status.is_terminal)} of {len(d.steps)}"
    yield "attempts", _retries(d)
    yield "verdicts", _verdicts(d)
    yield "rollback", _rollback(d)
    yield "emergency", "passed over " + ", ".join(d.emergency.skipped) if d.emergency else ""
    yield "failure", d.failure


def _retries(d: Deployment) -> str:
    again = sum(state.attempts - 1 for state in d.steps.values() if state.attempts > 1)
    return words.plural(again, "step") + " tried again" if again else ""


def _verdicts(d: Deployment) -> str:
    counts = [(words.VERDICT[kind].word, sum(1 for r in d.verdicts if r.verdict.kind is kind)) for kind in VerdictKind]
    return ", ".join(f"{count} {word}" for word, count in counts if count)


def _rollback(d: Deployment) -> str:
    if d.rollback is None:
        return ""
    by = "by itself" if d.rollback.trigger.value == "automatic" else f"by {d.rollback.requested_by}"
    back = d.rollback.traffic_restored_after
    return f"{by}: {d.rollback.reason}" + (f"; traffic back after {words.fine_span(back)}" if back is not None else "")


def _fact(label: str, a: str, b: str, room: int) -> Iterator[Row]:
    tone: Tone = "text" if a == b else "strong"
    lines = zip_longest(wrap(a or "–", room), wrap(b or "–", room), fillvalue="")
    for number, (one, other) in enumerate(lines):
        head = Span(left("" if number else label, LABEL), "dim")
        yield row(head, " ", Span(left(one, room) + "  ", tone), Span(other, tone))


def _steps(first: Deployment, second: Deployment, now: datetime, width: int) -> list[Row]:
    ours, theirs = _by_name(first), _by_name(second)
    names = list(dict.fromkeys([*ours, *theirs]))
    size = column_width(names, 12, max(14, width - 3 * TIME - 4))
    head = left("step", size) + right("first", TIME) + right("second", TIME) + right("change", TIME)
    rows = [fit_row(row(Span(head, "dim")), width)]
    return rows + [_step(name, ours.get(name), theirs.get(name), now, size, width) for name in names]


def _by_name(d: Deployment) -> dict[str, StepState]:
    """Steps by their name; those of a rollback are told apart from what they repeat."""
    return {f"{'↶ ' if is_rollback_step(s) else ''}{s.step.name}": s for s in d.steps.values()}


def _step(name: str, a: StepState | None, b: StepState | None, now: datetime, size: int, width: int) -> Row:
    one, other = _time(a, now), _time(b, now)
    done = StepStatus.SUCCEEDED
    change, tone = _change(one, other) if a and b and a.status is b.status is done else ("", "dim")
    spans: Sequence[Span] = (
        Span(left(name, size), "text" if a and b else "info"),
        Span(right(_words(a, one), TIME)),
        Span(right(_words(b, other), TIME)),
        Span(right(change, TIME), tone),
    )
    return fit_row(row(*spans, key=name), width)


def _time(state: StepState | None, now: datetime) -> timedelta | None:
    return state.duration(now) if state is not None else None


def _words(state: StepState | None, took: timedelta | None) -> str:
    if state is None:
        return "–"
    return words.span_of(took) if took is not None else words.STEP[state.status].word


def _change(one: timedelta | None, other: timedelta | None) -> tuple[str, Tone]:
    if one is None or other is None or abs(other - one) < NOTICEABLE:
        return "", "dim"
    if other > one * SLOWER:
        return f"+{words.span_of(other - one)} ↑", "warn"
    if one > other * SLOWER:
        return f"-{words.span_of(one - other)} ↓", "good"
    return "", "dim"
