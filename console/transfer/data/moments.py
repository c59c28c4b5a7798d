"""Times as people write them, ISO 8601 and its cousins: read exactly or not at all. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal

_MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?)?\s?(Z|z|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
_HOUR = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?", re.ASCII)
_FINER = re.compile(r":\d\d[.,]\d{6}\d*[1-9]", re.ASCII)


class NoMoment(ValueError):
    """A text that is written as no time is."""


def read_moment(text: str) -> datetime:
    """A time with or without an offset, rounded to microseconds as PostgreSQL does.

    Raises:
        NoMoment: It is not written as one.
        ValueError: It is, and there is no such time: 30 February, 24:00, a leap second.
        OverflowError: It is rounded to after the year 9999.
    """
    found = _MOMENT.fullmatch(text.strip())
    if not found:
        raise NoMoment
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    clock = (int(hour or 0), int(minute or 0), int(second or 0))
    moment = datetime(int(year), int(month), int(day), *clock) + _fraction(fraction or "")  # noqa: DTZ001
    return moment.replace(tzinfo=_offset(offset)) if offset else moment


def read_hour(text: str) -> time:
    """A time of day.

    Raises:
        NoMoment: It is not written as one, or finer than a microsecond.
        ValueError: It is, and there is no such time.
    """
    found = _HOUR.fullmatch(text.strip())
    if not found:
        raise NoMoment
    hour, minute, second, fraction = found.groups()
    return time(int(hour), int(minute), int(second or 0), int((fraction or "").ljust(6, "0")))


def is_finer(text: str) -> bool:
    """Whether a time is given more finely than in microseconds."""
    return _FINER.search(text) is not None


def _fraction(digits: str) -> timedelta:
    """A part of a second."""
    return timedelta(microseconds=round(Decimal(f"0.{digits}") * 1_000_000)) if digits else timedelta()


def _offset(text: str) -> tzinfo:
    if text in "Zz":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    distance = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-distance if text[0] == "-" else distance)
