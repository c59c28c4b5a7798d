"""Rate limits that a platform documents and does not count in its headers: we count for ourselves.

Each request is booked before it leaves, at the earliest time at which it fits into every allowance, so that concurrent
ones cannot take the same place. A refusal holds all requests back for as long as the platform said, or for a minute,
then for longer each time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from providers.pacing import Clock, wait_after_refusal

FIRST_HOLD = timedelta(minutes=1)
LONGEST_HOLD = timedelta(minutes=15)
NOTHING = timedelta(0)


@dataclass(frozen=True)
class Allowance:
    """At most `limit` points in any `window`; `cost` says what a method and path take, 0 for nothing."""

    name: str
    limit: int
    window: timedelta
    cost: Callable[[str, str], int]


class Allowances:
    """What one connection has taken of each allowance."""

    def __init__(self, clock: Clock, allowances: Sequence[Allowance]) -> None:
        self._clock = clock
        self._taken: list[tuple[Allowance, deque[tuple[datetime, int]]]] = [(one, deque()) for one in allowances]
        self._held_until: datetime | None = None
        self._hold = NOTHING
        self._refusals = 0

    def wait(self, method: str, path: str) -> tuple[timedelta, str]:
        """How long such a request has to wait, and for which limit."""
        now = self._clock()
        waits = [(self._held(now), "secondary")]
        waits += [(_wait(one, taken, one.cost(method, path), now), one.name) for one, taken in self._taken]
        return max(waits, key=lambda wait: wait[0])

    def book(self, method: str, path: str, wait: timedelta) -> None:
        """Take a place for a request that leaves after `wait`."""
        at = self._clock() + wait
        for one, taken in self._taken:
            if cost := one.cost(method, path):
                taken.append((at, cost))

    def refuse(self, headers: Mapping[str, str], now: datetime) -> timedelta:
        """Learn of a refusal, and say how long nothing may be sent."""
        unknown = min(LONGEST_HOLD, FIRST_HOLD * 2**self._refusals)
        self._refusals += 1
        self._hold = wait_after_refusal(headers, now, unknown)
        self._held_until = now + self._hold
        return self._hold

    def admit(self) -> None:
        """Learn that the platform answers again."""
        self._refusals = 0

    def describe(self) -> dict[str, str]:
        """What `doctor` shows: the limit and what is left of it."""
        now = self._clock()
        told = {}
        for one, taken in self._taken:
            _forget(one, taken, now)
            left = one.limit - sum(cost for _, cost in taken)
            told[one.name] = f"{left} of {one.limit} left in any {one.window.total_seconds():.0f} s, by our own count"
        return told

    def _held(self, now: datetime) -> timedelta:
        return max(NOTHING, min(self._held_until - now, self._hold)) if self._held_until else NOTHING


def _wait(one: Allowance, taken: deque[tuple[datetime, int]], cost: int, now: datetime) -> timedelta:
    _forget(one, taken, now)
    over = sum(spent for _, spent in taken) + cost - one.limit
    if not cost or over <= 0:
        return NOTHING
    for at, spent in taken:
        over -= spent
        if over <= 0:
            return max(NOTHING, min(at + one.window - now, one.window))
    return one.window


def _forget(one: Allowance, taken: deque[tuple[datetime, int]], now: datetime) -> None:
    if taken and taken[-1][0] - now > one.window:
        taken.clear()  # our clock was set back
    while taken and taken[0][0] + one.window <= now:
        taken.popleft()
