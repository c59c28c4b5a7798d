"""How much of a platform's rate limit looking may take, so that deployments always find room.

Looking at two hundred services at once would use up the limits that the same token needs to deploy, and to roll back.
Each connection therefore has a bucket of requests that refills steadily; an arm that finds it empty has its turn later.
A small installation never empties it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from providers.contract import Connection


@dataclass(frozen=True)
class Manners:
    """Requests that a platform takes to tell about one arm, and how many looking may send.

    `burst` may go at once and `a_minute` come back in a minute; no minute sees more than both together.
    """

    cost: int
    burst: int
    a_minute: int

    @property
    def most_in_a_minute(self) -> int:
        return self.burst + self.a_minute


MANNERS: Mapping[str, Manners] = {
    # A service, its live deploy and six figures. Render takes 400 readings a minute.
    "render": Manners(cost=8, burst=120, a_minute=200),
    # A project and its production deployment. Vercel names its limit in headers only; 500 a minute have been seen.
    "vercel": Manners(cost=2, burst=120, a_minute=120),
    # A project and its health. The Management API takes 60 requests a minute from a user, all tokens together.
    "supabase": Manners(cost=2, burst=12, a_minute=34),
}
CAUTIOUS = Manners(cost=2, burst=12, a_minute=34)
"""For a kind of which nothing is known here."""


PATIENCE = timedelta(minutes=2)
"""How much longer than others an arm waits before room is kept for it."""


class Pace:
    """The bucket of one connection. Times are aware; a clock that is set back refills nothing and ends a pause."""

    def __init__(self, manners: Manners) -> None:
        self._manners = manners
        self._left = float(manners.burst)
        self._filled_at: datetime | None = None
        self._held_from: datetime | None = None
        self._held = timedelta(0)
        self._waiting: dict[str, datetime] = {}

    def take(self, who: str, asked_at: datetime, now: datetime) -> bool:
        """Take what one arm costs, unless the bucket lacks it or the platform asked for a pause.

        Whoever looks often would find every drop first. While somebody else's arm waits much longer, half of the bucket
        is therefore left to that one.

        Args:
            who: The environment that asks, its arms in the order of `asked_at`.
            asked_at: When the platform was last asked about this arm.
        """
        if self._held_from is not None and self._held_from <= now < self._held_from + self._held:
            return False
        self._fill(now)
        others = (since for other, since in self._waiting.items() if other != who)
        longest = min(others, default=asked_at)
        kept = self._manners.burst / 2 if asked_at - longest > PATIENCE else 0
        if self._left - kept < self._manners.cost:
            self._waiting.setdefault(who, asked_at)
            return False
        self._waiting.pop(who, None)
        self._left -= self._manners.cost
        return True

    def hold(self, now: datetime, wait: timedelta) -> None:
        """Ask nothing for a while: the limit is used up, by whomever. What comes after begins slowly."""
        self._held_from, self._held = now, wait
        self._left = 0.0
        self._filled_at = now + wait

    def _fill(self, now: datetime) -> None:
        if self._filled_at is not None:
            passed = max(0.0, (now - self._filled_at).total_seconds())
            self._left = min(self._manners.burst, self._left + passed * self._manners.a_minute / 60)
        self._filled_at = now


class Paces:
    """The paces of all connections, by name."""

    def __init__(self, connections: Mapping[str, Connection]) -> None:
        self._paces = {name: Pace(MANNERS.get(one.kind, CAUTIOUS)) for name, one in connections.items()}
        self._unknown = Pace(CAUTIOUS)

    def of(self, provider: str) -> Pace:
        return self._paces.get(provider, self._unknown)
