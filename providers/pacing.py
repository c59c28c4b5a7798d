"""Rate limits as platforms announce them in headers, remembered so that they are obeyed before they are hit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

EPOCH_FROM = 1_000_000_000
"""A reset below this is a number of seconds left, not a time: Render sends seconds, others an epoch."""
UNKNOWN_WAIT = timedelta(seconds=5)

Clock = Callable[[], datetime]
Headers = Mapping[str, str]


@dataclass(frozen=True)
class Window:
    """What was left of one limit when the platform last spoke of it, and when it starts anew."""

    remaining: int
    limit: int | None
    resets_at: datetime
    length: timedelta

    def wait_at(self, now: datetime) -> timedelta:
        """How long to hold back. Never longer than the platform said, wherever our clock may have jumped to."""
        if self.remaining > 0:
            return timedelta(0)
        return max(timedelta(0), min(self.resets_at - now, self.length))


@dataclass
class RateBudget:
    """The windows of every limit class of one connection (`GET`, `POST deploys srv-1`, …)."""

    clock: Clock
    windows: dict[str, Window] = field(default_factory=dict)
    _outstanding: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def outstanding(self, limit_class: str) -> Iterator[None]:
        """While a request waits for its answer. What others say is left meanwhile may not have counted it yet."""
        self._outstanding[limit_class] += 1
        try:
            yield
        finally:
            self._outstanding[limit_class] -= 1

    def wait(self, limit_class: str) -> timedelta:
        window = self.windows.get(limit_class)
        return window.wait_at(self.clock()) if window else timedelta(0)

    def spend(self, limit_class: str) -> None:
        """Count a request that is about to leave, so that concurrent ones do not all take the last place."""
        window = self.windows.get(limit_class)
        if window is None:
            return
        if window.resets_at <= self.clock():
            del self.windows[limit_class]
            return
        self.windows[limit_class] = Window(max(0, window.remaining - 1), window.limit, window.resets_at, window.length)

    def learn(self, limit_class: str, headers: Headers) -> None:
        """Remember what an answer says about its limit; an answer without such headers changes nothing."""
        remaining = _whole(_first(headers, "ratelimit-remaining", "x-ratelimit-remaining"))
        length = read_reset(headers, self.clock())
        if remaining is None or length is None:
            return
        limit = _whole(_first(headers, "ratelimit-limit", "x-ratelimit-limit"))
        free = max(0, remaining - self._outstanding[limit_class])
        self.windows[limit_class] = Window(free, limit, self.clock() + length, length)

    def describe(self) -> dict[str, str]:
        """What `doctor` shows: the class and what is left of it."""
        now = self.clock()
        return {
            name: f"{window.remaining} of {window.limit or '?'} left, anew in "
            f"{max(0, round((window.resets_at - now).total_seconds()))} s"
            for name, window in sorted(self.windows.items())
        }


def read_reset(headers: Headers, now: datetime) -> timedelta | None:
    """How long until the window starts anew, from `Ratelimit-Reset` as seconds left or as an epoch."""
    value = _number(_first(headers, "ratelimit-reset", "x-ratelimit-reset"))
    if value is None:
        return None
    seconds = value if value < EPOCH_FROM else value - now.timestamp()
    return timedelta(seconds=max(0.0, seconds))


def read_retry_after(headers: Headers, now: datetime) -> timedelta | None:
    """`Retry-After` as a number of seconds or as an HTTP date; None without a usable one."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    seconds = _number(text)
    if seconds is not None:
        return timedelta(seconds=max(0.0, seconds))
    at = read_date(text)
    return max(timedelta(0), at - now) if at else None


def read_date(text: str) -> datetime | None:
    """An HTTP date, aware; None when it is none."""
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def wait_after_refusal(headers: Headers, now: datetime, unknown: timedelta = UNKNOWN_WAIT) -> timedelta:
    """How long to wait after "too many requests": the longer of both headers, `unknown` without any.

    A window in which something is left is not what refused us, so that its end says nothing.
    """
    is_left = (_whole(_first(headers, "ratelimit-remaining", "x-ratelimit-remaining")) or 0) > 0
    reset = None if is_left else read_reset(headers, now)
    known = [wait for wait in (read_retry_after(headers, now), reset) if wait is not None]
    return max(known, default=unknown)


def _first(headers: Headers, *names: str) -> str:
    return next((headers[name] for name in names if name in headers), "")


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < 1e12 else None


def _whole(text: str) -> int | None:
    value = _number(text)
    return int(value) if value is not None else None
