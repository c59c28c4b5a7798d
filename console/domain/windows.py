"""Windows of time as people write them: `sun 02:00-04:00`, `daily 03:00-03:30`, `2026-12-01 22:00-02:00`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAILY = "daily"
_WINDOW = re.compile(r"(\S+)\s+(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})")


@dataclass(frozen=True)
class Window:
    """Times of the wall clock. `day` is one of `DAYS`, `daily` or a date; an end not after its begin is a day later."""

    day: str | date
    begin: time
    end: time

    def open_at(self, now: datetime, zone: tzinfo) -> tuple[datetime, datetime] | None:
        """Begin and end, in UTC, of the window that is open at this moment, or None."""
        today = now.astimezone(zone).date()
        for begun in (today, today - timedelta(days=1)):
            if not self._falls_on(begun):
                continue
            ends = begun if self.end > self.begin else begun + timedelta(days=1)
            begin = datetime.combine(begun, self.begin, zone).astimezone(UTC)
            end = datetime.combine(ends, self.end, zone).astimezone(UTC)
            if begin <= now < end:
                return begin, end
        return None

    def _falls_on(self, day: date) -> bool:
        return self.day == DAILY or self.day == day or self.day == DAYS[day.weekday()]


def parse_window(text: str) -> Window:
    """Raises ValueError that says what is wrong with it."""
    found = _WINDOW.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no window: write a day and two times, as sun 02:00-04:00")
    word = found[1].lower()
    day: str | date = word
    if word not in (*DAYS, DAILY):
        try:
            day = date.fromisoformat(word)
        except ValueError as problem:
            known = ", ".join((*DAYS, DAILY))
            raise ValueError(f"{found[1]!r} is no day: write one of {known}, or a date as 2026-12-01") from problem
    return Window(day, _time(found[2]), _time(found[3]))


def _time(text: str) -> time:
    hour, minute = map(int, text.split(":"))
    try:
        return time(hour, minute)
    except ValueError as problem:
        raise ValueError(f"{text} is no time of day") from problem
