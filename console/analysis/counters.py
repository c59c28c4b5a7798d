"""Running totals that restart, turned into what happened between two looks.

A router forgets its totals when it restarts or is reconfigured. A total that falls therefore opens a new run: what it
shows was counted since then, and no rate is taken across the seam, since nobody knows how long the new run is.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import sub
from typing import Protocol


class Totals(Protocol):
    """What a router counted since it began anew; latencies in seconds, buckets cumulative with infinity last."""

    @property
    def requests(self) -> int: ...

    @property
    def errors(self) -> int: ...

    @property
    def latency_sum(self) -> float: ...

    @property
    def latency_buckets(self) -> Mapping[float, int]: ...


@dataclass(frozen=True)
class Increment:
    """What was counted between two looks; `is_seam` when the totals had restarted in between.

    `buckets` maps an upper bound in seconds to the number of requests at or below it, cumulative as in the totals.
    """

    requests: int = 0
    errors: int = 0
    latency_sum: float = 0.0
    buckets: Mapping[float, int] = field(default_factory=dict)
    is_seam: bool = False

    def __add__(self, other: Increment) -> Increment:
        bounds = sorted({*self.buckets, *other.buckets})
        return Increment(
            self.requests + other.requests,
            self.errors + other.errors,
            self.latency_sum + other.latency_sum,
            {bound: self.buckets.get(bound, 0) + other.buckets.get(bound, 0) for bound in bounds},
            self.is_seam or other.is_seam,
        )


def increment(before: Totals | None, after: Totals) -> Increment:
    """What came between two looks. Without a look before, the totals are of an unknown past and not counted."""
    if before is None:
        return Increment(is_seam=True)
    known = before.latency_buckets
    buckets = {bound: count - known.get(bound, 0) for bound, count in after.latency_buckets.items()}
    fell = after.requests < before.requests or after.errors < before.errors
    if fell or min(buckets.values(), default=0) < 0:  # the router began to count anew
        return Increment(after.requests, after.errors, after.latency_sum, dict(after.latency_buckets), is_seam=True)
    return Increment(
        after.requests - before.requests,
        after.errors - before.errors,
        max(0.0, after.latency_sum - before.latency_sum),
        buckets,
    )


def quantile(buckets: Mapping[float, int], part: float) -> float | None:
    """Estimate a quantile from cumulative buckets, in seconds; None without requests.

    Within a bucket requests are taken as evenly spread, as Prometheus's `histogram_quantile` does; in the last, open
    bucket its lower bound is all that is known.

    Args:
        buckets: Upper bound in seconds to the number of requests at or below it, infinity included.
        part: 0..1, for example 0.95.
    """
    bounds = sorted(buckets)
    total = buckets[bounds[-1]] if bounds else 0
    if total <= 0:
        return None
    rank, lower, below = part * total, 0.0, 0
    for bound in bounds:
        count = buckets[bound]
        if count >= rank and count > below:
            if math.isinf(bound):
                return lower
            return lower + (bound - lower) * (rank - below) / (count - below)
        lower, below = (0.0 if math.isinf(bound) else bound), count
    return lower


def histogram(buckets: Mapping[float, int]) -> tuple[int, ...]:
    """Requests in each bucket, in order of the bounds, from cumulative counts; the last one is the open one."""
    counts = [buckets[bound] for bound in sorted(buckets)]
    return tuple(map(sub, counts, [0, *counts]))


def bound_near(buckets: Mapping[float, int], part: float) -> float | None:
    """Pick the finite bucket bound whose share of requests at or below it is nearest to `part`; None without requests.

    A threshold must be a bound, because only there the buckets say exactly how many requests were slower.
    """
    total = max(buckets.values(), default=0)
    finite = sorted(bound for bound in buckets if bound != math.inf)
    if total <= 0 or not finite:
        return None
    wanted = part * total
    place = bisect_left([buckets[bound] for bound in finite], wanted)
    near = finite[max(0, place - 1) : place + 1]
    return min(near, key=lambda bound: abs(buckets[bound] - wanted))


def slower_than(buckets: Mapping[float, int], threshold: float) -> int:
    """How many requests were slower than a threshold that is one of the bounds."""
    total = max(buckets.values(), default=0)
    if threshold in buckets:
        return total - buckets[threshold]
    return total - max((count for bound, count in buckets.items() if bound <= threshold), default=0)


class Window:
    """The increments of the last seconds, for rates and quantiles that people look at.

    Args:
        length: Seconds that are kept.
    """

    def __init__(self, length: float = 15.0) -> None:
        self._length = length
        self._items: deque[tuple[float, float, Increment]] = deque()
        self._last: tuple[float, Totals] | None = None

    def look(self, at: float, totals: Totals) -> Increment:
        """Take in running totals seen at `at` (seconds of a monotonic clock) and return what is new."""
        before = self._last
        self._last = (at, totals)
        step = increment(before[1] if before else None, totals)
        if before is not None and not step.is_seam:
            self._items.append((before[0], at, step))
        oldest = at - self._length
        while self._items and (self._items[0][1] <= oldest or (len(self._items) > 1 and self._items[0][0] < oldest)):
            self._items.popleft()
        return step

    @property
    def seconds(self) -> float:
        """How long the kept increments cover, without the seams."""
        return sum(until - since for since, until, _ in self._items)

    @property
    def total(self) -> Increment:
        return sum((step for _, _, step in self._items), Increment())

    @property
    def request_rate(self) -> float | None:
        """Requests a second, None while nothing is covered."""
        covered = self.seconds
        return self.total.requests / covered if covered > 0 else None

    @property
    def error_rate(self) -> float | None:
        """0..1, None without requests."""
        total = self.total
        return total.errors / total.requests if total.requests else None

    def latency(self, part: float) -> float | None:
        """A quantile in seconds, None without requests."""
        return quantile(self.total.buckets, part)
