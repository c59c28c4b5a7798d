"""Backups by hand as operations of the engine: what is asked for, and what was found of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from console.domain.ids import ServiceName

BACKUPS = "backup:"
"""What the name of the strategy begins with: `backup:take`, `backup:verify`, `backup:restore`."""

TAKE = "take"
VERIFY = "verify"
RESTORE = "restore"
ACTS = (TAKE, VERIFY, RESTORE)


def read_backup_act(strategy: str) -> str | None:
    """What is to be done with backups; None for a strategy that is none of ours."""
    act = strategy.removeprefix(BACKUPS)
    return act if strategy.startswith(BACKUPS) and act in ACTS else None


@dataclass(frozen=True)
class BackupWish:
    """Which backup, and how it is put back.

    Args:
        backup: Its id; empty for the newest of each service: to verify the newest whole one, to restore the newest
            verified one.
        over_newer: What the database has and the backup does not know may go.
        unproven: A backup that was never restored for proof will do, and so will a saved present.
        left_alone: Schemas that are neither dropped nor brought back.
        without_owners: All belongs to whom the address names, without grants.
        identity: Reference to the secret key that opens it; empty takes the configuration's.
        note: Why it is taken; kept with it.
    """

    backup: str = ""
    over_newer: bool = False
    unproven: bool = False
    left_alone: tuple[str, ...] = ()
    without_owners: bool = False
    identity: str = ""
    note: str = ""


@dataclass(frozen=True)
class BackupFound:
    """One backup as a plan needs to know it. `problem` says why it cannot be what is asked for."""

    id: str = ""
    at: datetime | None = None
    rows: int = 0
    verified: bool = False
    rto_s: float | None = None
    problem: str = ""


@dataclass(frozen=True)
class BackupFacts:
    """The chosen backup of each service with a database."""

    found: Mapping[ServiceName, BackupFound] = field(default_factory=dict)


@dataclass(frozen=True)
class BackupLine:
    """One backup in a list: `name` is `ENV/SERVICE` where it is of an environment's database."""

    id: str
    name: str
    at: datetime
    state: str
    rows: int = 0
    size: int = 0
    sealed: bool = False
    note: str = ""
    rto_s: float | None = None
    why: str = ""


@dataclass(frozen=True)
class BackupOutlook:
    """How well one database would come back.

    Args:
        name: `ENV/SERVICE`.
        rpo_s: Seconds of data that would be lost now: the age of the newest verified backup.
        rto_s: Seconds that the last proof took.
        problem: Why somebody should look; empty where all is as it is wanted.
    """

    name: str
    verified_at: datetime | None = None
    rpo_s: float | None = None
    rto_s: float | None = None
    problem: str = ""


@dataclass(frozen=True)
class BackupList:
    """Backups, the newest first, and how each database would come back."""

    backups: tuple[BackupLine, ...] = ()
    standings: tuple[BackupOutlook, ...] = ()
