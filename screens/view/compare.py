"""Two deployments side by side: what they were, how they ended, and how long each step took."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import zip_longest

from console.domain.comparison import Comparison, Side, StepPair, StepSide
from console.domain.events import Trigger
from screens.view import words
from screens.view.rows import BLANK, Row, Span, Tone, column_width, fit_row, left, right, row, wrap

LABEL = 12
TIME = 9


def compare_rows(both: Comparison, width: int) -> list[Row]:
    """Facts, then the times of the steps that either has; what differs stands out."""
    room = max(10, (width - LABEL - 4) // 2)
    rows = [
        fit_row(row(Span(left("", LABEL), "dim"), " ", *_heads(both, room)), width),
        *(line for label, a, b in _facts(both) for line in _fact(label, a, b, room)),
        *(line for label, a, b in _variables(both) for line in _fact(label, a, b, room)),
        BLANK,
    ]
    return rows + _steps(both.steps, width)


def _heads(both: Comparison, room: int) -> Iterator[Span]:
    yield Span(left(both.first.id, room) + "  ", "accent")
    yield Span(left(both.second.id, room), "accent")


def _facts(both: Comparison) -> Iterator[tuple[str, str, str]]:
    ours, theirs = dict(_about(both.first)), dict(_about(both.second))
    for label in dict.fromkeys([*ours, *theirs]):
        a, b = ours.get(label, ""), theirs.get(label, "")
        if a or b:
            yield label, a, b


def _about(side: Side) -> Iterator[tuple[str, str]]:
    sign = words.DEPLOYMENT[side.status]
    yield "release", side.release
    yield "environment", side.environment
    yield "strategy", side.strategy
    yield "services", ", ".join(side.services)
    yield "result", f"{sign.glyph} {sign.word}"
    yield "asked for", f"{words.day_and_time(side.requested_at)} by {side.requested_by}"
    yield "took", words.span_of(timedelta(seconds=side.duration_s))
    yield "risk", f"{side.risk} ({side.risk_score})"
    yield "steps", f"{side.steps_ended} of {side.steps}"
    yield "attempts", words.plural(side.retries, "step") + " tried again" if side.retries else ""
    yield "verdicts", ", ".join(f"{count} {words.VERDICT[kind].word}" for kind, count in side.verdicts.items())
    yield "traffic", "; ".join(_roads(side))
    yield "judged", "; ".join(_judged(side))
    yield "rollback", _rollback(side)
    yield "emergency", "passed over " + ", ".join(side.skipped_gates) if side.skipped_gates else ""
    yield "failure", side.failure


def _roads(side: Side) -> Iterator[str]:
    for service in dict.fromkeys(move.service for move in side.traffic):
        yield f"{service} {' → '.join(side.road(service))}"


def _judged(side: Side) -> Iterator[str]:
    for service, figures in side.figures.items():
        failed = f", {words.percent(figures['error_rate'])} failed" if "error_rate" in figures else ""
        slow = f", {figures['latency_mean_s'] * 1000:.0f} ms" if "latency_mean_s" in figures else ""
        yield f"{service} {figures['requests']:,.0f} requests{failed}{slow}"


def _rollback(side: Side) -> str:
    if side.rollback is None:
        return ""
    by = "by itself" if side.rollback.trigger is Trigger.AUTOMATIC else f"by {side.rollback.by}"
    back = side.rollback.traffic_restored_s
    told = f"; traffic back after {words.fine_span(timedelta(seconds=back))}" if back is not None else ""
    return f"{by}: {side.rollback.reason}{told}"


def _variables(both: Comparison) -> Iterator[tuple[str, str, str]]:
    for number, one in enumerate(both.variables):
        name = f"{one.service} {one.name}"
        a, b = (f"{name}: {', '.join(digests) or '–'}" for digests in (one.first, one.second))
        yield "" if number else "variables", a, b


def _fact(label: str, a: str, b: str, room: int) -> Iterator[Row]:
    tone: Tone = "text" if a == b else "strong"
    lines = zip_longest(wrap(a or "–", room), wrap(b or "–", room), fillvalue="")
    for number, (one, other) in enumerate(lines):
        head = Span(left("" if number else label, LABEL), "dim")
        yield row(head, " ", Span(left(one, room) + "  ", tone), Span(other, tone))


def _steps(pairs: Sequence[StepPair], width: int) -> list[Row]:
    names = [f"{'↶ ' if pair.is_rollback else ''}{pair.name}" for pair in pairs]
    size = column_width(names, 12, max(14, width - 3 * TIME - 4))
    head = left("step", size) + right("first", TIME) + right("second", TIME) + right("change", TIME)
    rows = [fit_row(row(Span(head, "dim")), width)]
    return rows + [_step(name, pair, size, width) for name, pair in zip(names, pairs, strict=True)]


def _step(name: str, pair: StepPair, size: int, width: int) -> Row:
    change, tone = _change(pair)
    spans: Sequence[Span] = (
        Span(left(name, size), "text" if pair.first and pair.second else "info"),
        Span(right(_words(pair.first), TIME)),
        Span(right(_words(pair.second), TIME)),
        Span(right(change, TIME), tone),
    )
    return fit_row(row(*spans, key=name), width)


def _words(side: StepSide | None) -> str:
    if side is None:
        return "–"
    took = side.duration_s
    return words.span_of(timedelta(seconds=took)) if took is not None else words.STEP[side.status].word


def _change(pair: StepPair) -> tuple[str, Tone]:
    if pair.change_s is None or not (pair.is_slower or pair.is_faster):
        return "", "dim"
    length = words.span_of(timedelta(seconds=abs(pair.change_s)))
    return (f"+{length} ↑", "warn") if pair.is_slower else (f"-{length} ↓", "good")
