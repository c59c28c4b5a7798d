"""Verdicts with what they rest on, in words."""

from __future__ import annotations

from console.domain.deployment import VerdictRecord
from screens.view import words
from screens.view.rows import Row, Span, row, wrap, wrapped


def verdict_rows(record: VerdictRecord, width: int) -> list[Row]:
    """The verdict and its explanation, then the figures."""
    sign = words.VERDICT[record.verdict.kind]
    of = f" {record.service}" if record.service else ""
    head = f"{words.clock(record.at)} "
    first, *rest = wrap(record.verdict.explanation, max(10, width - 4 - len(head)))
    rows = [row(Span(head, "dim"), sign.span, Span(of, "strong"))]
    rows += [row("    ", Span(line, "text")) for line in (first, *rest) if line]
    figures = ", ".join(words.evidence_words(key, value) for key, value in record.verdict.evidence.items())
    if figures:
        rows += wrapped(figures, width, "dim", 4)
    return rows
