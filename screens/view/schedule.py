"""Freezes, and deployments to come, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from console.domain.freeze import FreezeSpan, find_holding, find_next
from console.domain.observations import EnvironmentStatus
from console.domain.schedule import Scheduled, ScheduleStatus
from screens.view import words
from screens.view.rows import BLANK, Row, Span, column_width, fit_row, left, row
from screens.view.words import Sign

STATUS: dict[ScheduleStatus, Sign] = {
    ScheduleStatus.WAITING: Sign("◔", "to come", "info"),
    ScheduleStatus.STARTING: Sign("▸", "starting", "info"),
    ScheduleStatus.STARTED: Sign("✓", "started", "good"),
    ScheduleStatus.REFUSED: Sign("✗", "refused", "bad"),
    ScheduleStatus.MISSED: Sign("✗", "missed", "bad"),
    ScheduleStatus.CANCELLED: Sign("–", "cancelled", "dim"),
}
HOLDS, COMES = Sign("■", "holds", "warn"), Sign("◔", "to come", "dim")
AT = 17
"""Columns of a moment."""
STATE = 12


def short_moment(at: datetime, now: datetime) -> str:
    """`22:00` today, `Mon 08:00` within six days, else with the date; UTC."""
    days = (at.date() - now.date()).days
    if days == 0:
        return f"{at:%H:%M}"
    return f"{at:%a %H:%M}" if 0 < days <= 6 else words.day_and_time(at)


def freeze_notes(status: EnvironmentStatus, now: datetime, width: int) -> list[Row]:
    """That nothing goes forward in an environment, or soon will not."""
    rows = []
    for span in find_holding(status.freezes, now)[:1]:
        until = f"■ frozen{span.scope} until {short_moment(span.ends_at, now)} UTC"
        rows.append(row("  ", Span(until, "warn"), Span(f"  {span.reason}", "dim"), key=status.name))
    ahead = find_next(status.freezes, now)
    if ahead is not None:
        begins = f"freeze{ahead.scope} from {short_moment(ahead.begins_at, now)} UTC  {ahead.reason}"
        rows.append(row("  ", Span(begins, "dim"), key=status.name))
    return [fit_row(each, width) for each in rows]


def schedule_notes(status: EnvironmentStatus, now: datetime, width: int) -> list[Row]:
    """The next deployment to come, how many more, and the last that should have begun and did not."""
    rows = []
    to_come = [entry for entry in status.scheduled if entry.status.is_open]
    if to_come:
        more = f" and {len(to_come) - 1} more" if len(to_come) > 1 else ""
        at = short_moment(to_come[0].at, now)
        said = Span(f"◔ {to_come[0].release.name} at {at} UTC", "info")
        rows.append(row("  ", said, Span(f"  by {to_come[0].asked_by}{more}", "dim"), key=status.name))
    wrong = [entry for entry in status.scheduled if entry.status.went_wrong]
    if wrong:
        last = wrong[-1]
        said = Span(f"✗ {last.release.name} of {short_moment(last.at, now)} UTC was {last.status.value}", "bad")
        rows.append(row("  ", said, Span(f"  {last.detail}", "dim"), key=status.name))
    return [fit_row(each, width) for each in rows]


def key_of(span: FreezeSpan) -> str:
    """What the cursor holds on to; one of the configuration has no id."""
    return span.id or f"{span.environment} {span.window} {span.begins_at:%Y%m%d}"


def calendar_rows(freezes: Sequence[FreezeSpan], entries: Sequence[Scheduled], now: datetime, width: int) -> list[Row]:
    """What is to come, then what keeps it from coming."""
    rows = [row(Span("Deployments to come", "accent"))]
    rows += _entry_rows(entries, width) or [row(Span("  Nothing is scheduled.", "dim"))]
    rows += [BLANK, row(Span("Freezes", "accent"))]
    rows += _freeze_rows(freezes, now, width) or [row(Span("  Nothing is frozen, and no freeze is to come.", "dim"))]
    return rows


def _entry_rows(entries: Sequence[Scheduled], width: int) -> list[Row]:
    if not entries:
        return []
    environment = column_width((entry.environment for entry in entries), 11, 14)
    release = column_width((entry.release.name for entry in entries), 7, 14)
    by = column_width((entry.asked_by for entry in entries), 4, 12)
    heading = (
        left("at, UTC", AT) + left("", STATE) + left("environment", environment + 1) + left("release", release + 1)
    )
    rows = [fit_row(row(Span(f"  {heading}{left('by', by + 1)}about", "dim")), width)]
    for entry in entries:
        sign = STATUS[entry.status]
        about = entry.detail or entry.deployment or entry.wish.reason or entry.wish.strategy or entry.id
        rows.append(
            fit_row(
                row(
                    Span(f"  {left(words.day_and_time(entry.at), AT)}"),
                    Span(left(f"{sign.glyph} {sign.word}", STATE), sign.tone),
                    Span(left(entry.environment, environment) + " ", "strong"),
                    Span(left(entry.release.name, release) + " "),
                    Span(left(entry.asked_by, by) + " ", "dim"),
                    Span(about, "dim"),
                    key=entry.id,
                ),
                width,
            )
        )
    return rows


def _freeze_rows(freezes: Sequence[FreezeSpan], now: datetime, width: int) -> list[Row]:
    if not freezes:
        return []
    environment = column_width((span.environment for span in freezes), 11, 14)
    heading = left("from, UTC", AT + STATE) + left("environment", environment + 1) + left("until, UTC", AT)
    rows = [fit_row(row(Span(f"  {heading}reason", "dim")), width)]
    for span in freezes:
        sign = HOLDS if span.holds_at(now) else COMES
        rows.append(
            fit_row(
                row(
                    Span(f"  {left(words.day_and_time(span.begins_at), AT)}"),
                    Span(left(f"{sign.glyph} {sign.word}", STATE), sign.tone),
                    Span(left(span.environment, environment) + " ", "strong"),
                    Span(left(words.day_and_time(span.ends_at), AT)),
                    Span(f"{', '.join(span.services)}: " if span.services else "", "strong"),
                    Span(span.reason),
                    Span(f"  {span.source}", "dim"),
                    key=key_of(span),
                ),
                width,
            )
        )
    return rows
