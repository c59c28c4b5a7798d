"""Count requests in fixed windows, as the platforms' rate limits do."""

import math
from dataclasses import dataclass, field, replace

from console.playground.emulators.clock import Clock


@dataclass(frozen=True)
class Budget:
    """How many requests one bucket may take in `window` seconds."""

    limit: int
    window: float


@dataclass(frozen=True)
class Spent:
    """The state of a bucket after one request."""

    limit: int
    remaining: int
    used: int
    resets_at: float
    allowed: bool

    def seconds_left(self, now: float) -> int:
        """Whole seconds until the window ends, rounded up."""
        return max(0, math.ceil(self.resets_at - now))


@dataclass(frozen=True)
class Demand:
    """What was asked of one bucket so far: the most that one window took, and how many requests found it used up."""

    limit: int
    window: float
    most: int = 0
    refused: int = 0


@dataclass
class Windows:
    """Every bucket of one platform. `scale` multiplies all limits, for a playground that is driven hard."""

    clock: Clock
    scale: float = 1.0
    demands: dict[str, Demand] = field(default_factory=dict)
    _open: dict[str, tuple[float, int]] = field(default_factory=dict)

    def spend(self, bucket: str, budget: Budget, cost: int = 1) -> Spent:
        """Take one request from a bucket. A refused request costs nothing further."""
        now = self.clock.now()
        limit = max(1, round(budget.limit * self.scale))
        resets_at, used = self._open.get(bucket, (0.0, 0))
        if now >= resets_at:
            resets_at, used = now + budget.window, 0
        allowed = used + cost <= limit
        used += cost if allowed else 0
        self._open[bucket] = (resets_at, used)
        known = self.demands.get(bucket, Demand(limit, budget.window))
        self.demands[bucket] = replace(known, most=max(known.most, used), refused=known.refused + (not allowed))
        return Spent(limit, limit - used, used, resets_at, allowed)

    def look(self, bucket: str, budget: Budget) -> Spent:
        """Tell a bucket's state without taking from it."""
        return self.spend(bucket, budget, cost=0)
