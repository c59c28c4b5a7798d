"""Moments to come as people write them: `22:00`, `22:00 Europe/Berlin`, `2026-11-22T22:00+01:00`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

HOW = "write 22:00, 22:00 Europe/Berlin or 2026-11-22T22:00 (UTC unless it says otherwise)"
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(Z|[+-]\d{2}:?\d{2})?", re.IGNORECASE)


def parse_coming(text: str, now: datetime) -> datetime:
    """The moment, in UTC. A time of day is today's in its zone, or tomorrow's where that is past.

    A time of day that a change to summer time leaves out is the one an hour later; of two, the first is meant.

    Raises:
        ValueError: It is neither a time of day nor a moment; says how to write one.
    """
    words = text.strip().rsplit(" ", 1)
    zone = _zone(words[1]) if len(words) == 2 else None
    written = words[0] if zone is not None else text.strip()
    clock = _CLOCK.fullmatch(written)
    try:
        if clock is not None:
            return _next(time(int(clock[1]), int(clock[2])), _offset(clock[3]) if clock[3] else zone or UTC, now)
        at = datetime.fromisoformat(written)
    except ValueError as problem:
        raise ValueError(f"{text!r} is not a time: {HOW}") from problem
    return (at if at.tzinfo else at.replace(tzinfo=zone or UTC)).astimezone(UTC)


def split_moment(text: str, now: datetime) -> tuple[datetime, str]:
    """A moment to come and what stands behind it: `22:00 Europe/Berlin v1.5`.

    Raises:
        ValueError: It begins with no moment; says how to write one.
    """
    words = text.split()
    for count in range(min(3, len(words)), 0, -1):
        try:
            return parse_coming(" ".join(words[:count]), now), " ".join(words[count:])
        except ValueError:
            continue
    raise ValueError(f"{text!r} does not begin with a time: {HOW}")


def _next(clock: time, zone: tzinfo, now: datetime) -> datetime:
    today = now.astimezone(zone).date()
    at = datetime.combine(today, clock, zone)
    return (at if at > now else datetime.combine(today + timedelta(days=1), clock, zone)).astimezone(UTC)


def _zone(name: str) -> tzinfo | None:
    """The zone of this name; None where it is none, and so part of a moment."""
    if _CLOCK.fullmatch(name):
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return None


def _offset(text: str) -> tzinfo:
    zone = datetime.fromisoformat(f"2000-01-01T00:00{text.upper()}").tzinfo
    return zone or UTC
