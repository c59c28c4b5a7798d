"""How long a run of migrations waits, and for whom."""

from __future__ import annotations

import time
from dataclasses import dataclass

from console.migrations.statement import Lock, Statement

PASSING = ("55P03", "40P01")
"""SQLSTATEs that a later attempt may not meet: a lock not given in time, a deadlock."""
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
    weak_lock_timeout: float = 60.0
    """For statements alone whose lock lets everybody read and write, as CREATE INDEX CONCURRENTLY."""
    statement_timeout: str = "1h"
    attempts: int = 7
    first_wait: float = 0.5
    longest_wait: float = 8.0
    start: float = 30.0


class Budget:
    """How long the statements of one transaction may wait for locks, all together, once one of them stops readers.

    A transaction that holds one table and waits for another makes readers of the first wait as well.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: float | None = None

    @property
    def left_ms(self) -> int | None:
        """What is left, in milliseconds, never 0; None while nobody has to wait."""
        if self._since is None:
            return None
        return max(_SHORTEST_MS, round(1000 * (self._seconds - (time.monotonic() - self._since))))

    def spend(self, statement: Statement) -> None:
        """Begin to count before a statement that may stop readers."""
        if self._since is None and not statement.fresh and statement.lock >= Lock.ACCESS_EXCLUSIVE:
            self._since = time.monotonic()
