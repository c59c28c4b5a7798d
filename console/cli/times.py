"""Moments as people write them on a command line."""

from __future__ import annotations

from datetime import UTC, datetime

from console.config.durations import parse_duration
from console.domain.errors import UsageError
from console.domain.moments import parse_coming


def parse_later(text: str, now: datetime, where: str) -> datetime:
    """A moment to come: a time of day is today's, or tomorrow's where that is past.

    Args:
        where: The option it comes from, for the message.

    Raises:
        UsageError: It is none.
    """
    try:
        return parse_coming(text, now)
    except ValueError as problem:
        what, _, how = str(problem).partition(": ")
        raise UsageError(f"{what}.", where, f"{how[:1].upper()}{how[1:]}.") from problem


def parse_moment(text: str, now: datetime) -> datetime:
    """`10m` (ago), `2026-11-22`, `2026-11-22T06:16` (UTC unless it says otherwise).

    Raises:
        UsageError: It is neither.
    """
    try:
        return now - parse_duration(text)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError as problem:
        raise UsageError(
            f"{text!r} is not a time.", "option --since", "Write how long ago (10m, 2h) or a moment (2026-11-22T06:16)."
        ) from problem
    return at if at.tzinfo else at.replace(tzinfo=UTC)
