"""Who asked for what, and whether what is on record still holds together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from console.domain.ids import Actor


@dataclass(frozen=True)
class AuditEntry:
    """Who asked for what, and how it ended: `outcome` is `done`, `refused` or `failed`.

    A change by hand has more rows than one: `intended` before its platform is asked, `begun` where it goes on, and
    `unknown` where no answer came.
    """

    at: datetime
    actor: Actor
    action: str
    subject: str = ""
    outcome: str = "done"
    detail: Mapping[str, str] = field(default_factory=dict)
    id: int = 0


@dataclass(frozen=True)
class AuditCheck:
    """What was looked at, what does not hold together, and what nobody can tell from the record.

    `missing_events` and `missing_entries` count numbers below the highest that no row has.
    """

    events: int = 0
    missing_events: int = 0
    deployments: int = 0
    entries: int = 0
    missing_entries: int = 0
    problems: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        return not self.problems
