"""Windows of time as people write them: `sun 02:00-04:00`, `fri 16:00-mon 08:00`, `daily 03:00-03:30`, and dates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAILY = "daily"
WEEK = 7
_WINDOW = re.compile(r"(\S+)\s+(\d{1,2}:\d{2})\s*-\s*(?:(\S+)\s+)?(\d{1,2}:\d{2})")
Span = tuple[datetime, datetime]
"""Begin and end, in UTC."""


@dataclass(frozen=True)
class Window:
    """Times of the wall clock. `day` is one of `DAYS`, `daily` or a date; `last` is the day of the end, likewise.

    Without a `last` day it ends on the day on which it begins, or a day later where the end is not after the begin.
    """

    day: str | date
    begin: time
    end: time
    last: str | date = ""

    def open_at(self, now: datetime, zone: tzinfo) -> Span | None:
        """The window that is open at this moment, or None."""
        return next((span for span in self._spans(now, zone) if span[0] <= now < span[1]), None)

    def next_after(self, now: datetime, zone: tzinfo) -> Span | None:
        """The first window that begins later than this moment, or None where there is none to come."""
        return min((span for span in self._spans(now, zone) if span[0] > now), default=None)

    def _spans(self, now: datetime, zone: tzinfo) -> Iterator[Span]:
        """Every window that may be open or next, the latest first."""
        today = now.astimezone(zone).date()
        dated = isinstance(self.day, date)
        around = [today + timedelta(days=number) for number in range(WEEK + 1, -WEEK - 1, -1)]
        days = [self.day] if isinstance(self.day, date) else around
        for begun in days:
            if dated or self.day in (DAILY, DAYS[begun.weekday()]):
                ends = begun + timedelta(days=self._length)
                yield (
                    datetime.combine(begun, self.begin, zone).astimezone(UTC),
                    datetime.combine(ends, self.end, zone).astimezone(UTC),
                )

    @property
    def _length(self) -> int:
        """Days from the day of the begin to that of the end."""
        over_night = self.end <= self.begin
        if isinstance(self.last, date) and isinstance(self.day, date):
            return (self.last - self.day).days
        if isinstance(self.last, str) and self.last in DAYS and isinstance(self.day, str):
            days = (DAYS.index(self.last) - DAYS.index(self.day)) % WEEK
            return days or (WEEK if over_night else 0)
        return 1 if over_night else 0


def parse_window(text: str) -> Window:
    """Raises ValueError that says what is wrong with it."""
    found = _WINDOW.fullmatch(text.strip())
    if found is None:
        raise ValueError(
            f"{text!r} is no window: write a day and two times, as sun 02:00-04:00, or two days, as fri 16:00-mon 08:00"
        )
    day = _day(found[1])
    last: str | date = _day(found[3]) if found[3] else ""
    begin, end = _time(found[2]), _time(found[4])
    if last and (DAILY in (day, last) or isinstance(day, date) is not isinstance(last, date)):
        raise ValueError(f"{text!r} begins and ends on days of two kinds: write two weekdays, or two dates")
    if isinstance(day, date) and isinstance(last, date) and (last, end) <= (day, begin):
        raise ValueError(f"{text!r} ends before it begins")
    return Window(day, begin, end, last)


def _day(written: str) -> str | date:
    word = written.lower()
    if word in (*DAYS, DAILY):
        return word
    try:
        return date.fromisoformat(word)
    except ValueError as problem:
        known = ", ".join((*DAYS, DAILY))
        raise ValueError(f"{written!r} is no day: write one of {known}, or a date as 2026-12-01") from problem


def _time(text: str) -> time:
    hour, minute = map(int, text.split(":"))
    try:
        return time(hour, minute)
    except ValueError as problem:
        raise ValueError(f"{text} is no time of day") from problem
