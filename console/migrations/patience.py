"""How long a run of migrations waits, and for whom."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from console.migrations.statement import Lock, Statement

PASSING = ("55P03", "40P01")
"""SQLSTATEs that a later attempt may not meet: a lock not given in time, a deadlock."""
CANCELLED = "57014"
"""SQLSTATE of a statement that took longer than it may."""
_SHORTEST_MS = 1


@dataclass(frozen=True)
class Patience:
    """How long a run waits. Times in seconds; `statement_timeout` as PostgreSQL writes it.

    Sources: pgroll waits 0.5 s for a lock, the Supabase CLI 4 s; an ALTER that waited 3 s kept plain reads waiting
    for 2.5 s.
    """

    for_other_run: float = 60.0
    look_every: float = 0.5
    lock_timeout: float = 2.0
    hold: float | None = 2.0
    """How long readers of a table may wait for us, from the first lock that stops them to the end of the transaction;
    None sets no limit."""
    hold_attempts: int = 2
    weak_lock_timeout: float = 60.0
    """For statements alone whose lock lets everybody read and write, as CREATE INDEX CONCURRENTLY."""
    statement_timeout: str = "1h"
    attempts: int = 7
    first_wait: float = 0.5
    longest_wait: float = 8.0
    start: float = 30.0


class Budget:
    """How long one transaction may wait for locks, and last, once one of its statements stops readers.

    A transaction that holds one table and waits for another, or works for long, makes readers of the first wait, too.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._waits_since: float | None = None
        self._holds_since: float | None = None

    @property
    def _wait(self) -> float:
        """At most half of what readers may wait: the other half is for the work, once the lock is there."""
        hold = self._patience.hold
        return self._patience.lock_timeout if hold is None else min(self._patience.lock_timeout, hold / 2)

    @property
    def is_holding(self) -> bool:
        """Whether the time that readers wait is counted, and ends some time."""
        return self._holds_since is not None and self._patience.hold is not None

    @property
    def limits_ms(self) -> Mapping[str, int]:
        """What is left, in milliseconds, by the setting that keeps to it; never 0. Empty while nobody has to wait."""
        limits = {
            "lock_timeout": (self._wait, self._waits_since),
            "statement_timeout": (self._patience.hold, self._holds_since),
        }
        return {
            name: max(_SHORTEST_MS, round(1000 * (seconds - (time.monotonic() - since))))
            for name, (seconds, since) in limits.items()
            if seconds is not None and since is not None
        }

    def spend(self, statement: Statement) -> None:
        """Begin to count before a statement that stops readers, or may."""
        if statement.fresh or statement.lock < Lock.ACCESS_EXCLUSIVE:
            return
        if self._waits_since is None:
            self._waits_since = time.monotonic()
        if statement.lock is Lock.ACCESS_EXCLUSIVE:
            self.hold()

    def hold(self) -> None:
        """Begin to count how long readers wait."""
        if self._holds_since is None:
            self._holds_since = time.monotonic()
