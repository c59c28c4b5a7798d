"""Backups as rows: first how each database would come back, then every backup."""

from __future__ import annotations

from datetime import datetime

from console.domain.backups import BackupLine, BackupList, BackupOutlook
from screens.view import words
from screens.view.rows import BLANK, Row, Span, Tone, column_width, fit_row, left, right, row
from screens.view.words import Sign

STATES = {
    "verified": Sign("✓", "verified", "good"),
    "taken": Sign("○", "not proven", "warn"),
    "damaged": Sign("✗", "damaged", "bad"),
    "taking": Sign("▸", "being taken", "info"),
}
STATE = 14
AT = 17
SPAN = 8
UNITS = ("B", "kB", "MB", "GB", "TB")


def backup_rows(known: BackupList, now: datetime, width: int) -> list[Row]:
    """How well each database would come back, then all backups, the newest first."""
    if not known.standings:
        said = "No service has a database_url, so there is nothing to back up."
        return [fit_row(row(Span(said, "dim")), width)]
    name = column_width((one.name for one in known.standings), 8, 24)
    heading = left("database", name + 1) + right("RPO", SPAN) + right("RTO", SPAN) + "  newest verified, UTC"
    rows = [fit_row(row(Span(heading, "dim")), width)]
    rows += [_standing(one, name, width) for one in known.standings]
    rows += [BLANK]
    if not known.backups:
        return [*rows, row(Span("There are no backups. t takes one, and proves it.", "dim"))]
    name = column_width((one.name for one in known.backups), 8, 24)
    heading = left("of, UTC", AT) + left("database", name + 1) + left("", STATE) + right("age", SPAN)
    rows.append(fit_row(row(Span(f"{heading}{right('rows', 11)}{right('size', 9)}  about", "dim")), width))
    return [*rows, *(_line(one, now, name, width) for one in known.backups)]


def _standing(one: BackupOutlook, name: int, width: int) -> Row:
    tone: Tone = "bad" if one.problem else "good"
    verified = words.day_and_time(one.verified_at) if one.verified_at else "none"
    problem = Span(f"  ! {one.problem}", "bad") if one.problem else Span("")
    return fit_row(
        row(
            Span(left(one.name, name) + " ", "strong"),
            Span(right(words.span_of(one.rpo_s) if one.rpo_s is not None else "none", SPAN), tone),
            Span(right(words.span_of(one.rto_s) if one.rto_s is not None else "–", SPAN)),
            Span(f"  {verified}", "dim"),
            problem,
        ),
        width,
    )


def _line(one: BackupLine, now: datetime, name: int, width: int) -> Row:
    sign = STATES.get(one.state, Sign("?", one.state, "dim"))
    about = [*(["encrypted"] if one.sealed else []), *(filter(None, (one.why, one.note)))]
    return fit_row(
        row(
            Span(left(words.day_and_time(one.at), AT), "dim"),
            Span(left(one.name, name) + " ", "strong"),
            Span(left(f"{sign.glyph} {sign.word}", STATE), sign.tone),
            Span(right(words.span_of((now - one.at).total_seconds()), SPAN)),
            Span(right(f"{one.rows:,}", 11)),
            Span(right(_size(one.size), 9)),
            Span(f"  {' · '.join(about) or one.id}", "dim"),
            key=one.id,
        ),
        width,
    )


def _size(count: int) -> str:
    size, unit = float(count), 0
    while size >= 1000 and unit < len(UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.0f} {UNITS[unit]}" if unit == 0 else f"{size:.1f} {UNITS[unit]}"
