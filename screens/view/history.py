"""Past deployments, a line each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from console.domain.observations import DeploymentSummary
from screens.view import words
from screens.view.rows import Row, Span, column_width, fit_row, left, right, row

WIDE = 100
"""Columns from which the year and the strategy have room."""


def _when(width: int) -> int:
    return 17 if width >= WIDE else 12


def matches(summary: DeploymentSummary, text: str) -> bool:
    """Whether any of a line's words holds the text; `!` in front inverts."""
    inverse = text.startswith("!")
    needle = text.removeprefix("!").lower()
    hay = " ".join(
        (
            summary.id,
            summary.environment,
            summary.release,
            summary.strategy,
            summary.status.value,
            words.DEPLOYMENT[summary.status].word,
            summary.requested_by,
            summary.detail,
        )
    )
    return (needle in hay.lower()) is not inverse


def history_rows(summaries: Sequence[DeploymentSummary], text: str, now: datetime, width: int) -> list[Row]:
    """A heading, then one line a deployment, newest first."""
    chosen = [summary for summary in summaries if not text or matches(summary, text)]
    if not chosen:
        said = f"Nothing holds “{text}”." if text else "Nothing has been deployed yet."
        return [row(Span(said, "dim"))]
    environment = column_width((s.environment for s in chosen), 11, 14)
    release = column_width((s.release for s in chosen), 7, 14)
    by = column_width((s.requested_by for s in chosen), 4, 12)
    when = left("requested, UTC" if width >= WIDE else "UTC", _when(width))
    heading = (
        when + left("environment", environment + 1) + left("release", release + 1)
        + left("result", 15) + right("took", 7) + "  " + left("by", by + 1)
    )  # fmt: skip
    heading += left("strategy", 11) if width >= WIDE else ""
    rows = [fit_row(row(Span(heading + "detail", "dim")), width)]
    rows += [_line(summary, now, width, environment, release, by) for summary in chosen]
    return rows


def _line(summary: DeploymentSummary, now: datetime, width: int, environment: int, release: int, by: int) -> Row:
    sign = words.DEPLOYMENT[summary.status]
    took = words.span_of((summary.ended_at or now) - summary.requested_at)
    return fit_row(
        row(
            Span(left(words.day_and_time(summary.requested_at)[0 if width >= WIDE else 5 :], _when(width)), "dim"),
            Span(left(summary.environment, environment) + " ", "strong"),
            Span(left(summary.release, release) + " "),
            Span(left(f"{sign.glyph} {sign.word}", 15), sign.tone),
            Span(right(took, 7)),
            "  ",
            Span(left(summary.requested_by, by) + " ", "dim"),
            Span(left(summary.strategy, 11) if width >= WIDE else "", "dim"),
            Span(summary.detail or summary.id, "dim"),
            key=summary.id,
        ),
        width,
    )
