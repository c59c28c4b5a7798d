"""How both sides of a failover stand before it begins. Adapters tell it, so it knows nothing of plans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Server:
    """One PostgreSQL as it answered. `problem` says why it could not be asked; then nothing else is to be trusted.

    Args:
        in_recovery: Whether it is a standby.
        read_only: Whether sessions begin read-only, which is how a primary is fenced.
        position: Byte of the write-ahead log: written by a primary, replayed by a standby.
        received: Byte of it that a standby has received; None for a primary.
        last_commit_at: Commit time, by the primary's clock, of the last transaction that a standby replayed.
        cluster: Identifies the primary and its standbys together; empty where the server does not tell.
        may_fence: Whether the role may make it read-only, `may_promote` whether it may promote it.
    """

    problem: str = ""
    in_recovery: bool = False
    read_only: bool = False
    position: int = 0
    received: int | None = None
    last_commit_at: datetime | None = None
    asked_at: datetime | None = None
    cluster: str = ""
    may_fence: bool = True
    may_promote: bool = True


@dataclass(frozen=True)
class Pair:
    """Both servers of one database: the one that is left, and the one that takes over.

    `lag_s` is the length of the writes that the new side may lack, in seconds: how long it took to replay what the old
    side had written when it was asked, or else the time since its last commit. None where nobody can say.
    """

    old: Server
    new: Server
    lag_s: float | None = None

    @property
    def lag_bytes(self) -> int | None:
        """How much of the log the new side has not replayed; None while either cannot be asked."""
        if self.old.problem or self.new.problem:
            return None
        return max(self.old.position - self.new.position, 0)


@dataclass(frozen=True)
class StandbyService:
    """A service on the side that takes over: the commit that runs there, and the variables that it lacks."""

    commit: str = ""
    target: str = ""
    missing: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Pointer:
    """What leads visitors to a side: a route's weights, or a name's values and its time to live in seconds."""

    weights: Mapping[str, int] = field(default_factory=dict)
    values: tuple[str, ...] = ()
    ttl_s: int | None = None
    problem: str = ""


@dataclass(frozen=True)
class FailoverFacts:
    """How both sides stand. `left` is what runs on the side that is left, by service; empty where nobody knows."""

    databases: Mapping[str, Pair] = field(default_factory=dict)
    services: Mapping[str, StandbyService] = field(default_factory=dict)
    pointers: Mapping[str, Pointer] = field(default_factory=dict)
    left: Mapping[str, str] = field(default_factory=dict)
    held: str = ""
