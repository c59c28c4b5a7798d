"""What is known of one statement before it runs: whom it locks out, for what work, and whom it takes something from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Lock(IntEnum):
    """PostgreSQL's table locks, weakest first. From SHARE on writers wait; with ACCESS_EXCLUSIVE readers, too."""

    NONE = 0
    ACCESS_SHARE = 1
    ROW_SHARE = 2
    ROW_EXCLUSIVE = 3
    SHARE_UPDATE_EXCLUSIVE = 4
    SHARE = 5
    SHARE_ROW_EXCLUSIVE = 6
    EXCLUSIVE = 7
    ACCESS_EXCLUSIVE = 8
    UNKNOWN = 9
    """The text does not say: a block of code, a function that is called, or a statement nobody could read."""

    @property
    def words(self) -> str:
        return self.name.replace("_", " ")

    @property
    def stops(self) -> str:
        """Who waits while it is held."""
        if self is Lock.UNKNOWN:
            return "unknown"
        if self is Lock.ACCESS_EXCLUSIVE:
            return "reads and writes"
        return "writes" if self >= Lock.SHARE else "nobody"


class Work(StrEnum):
    """What is done to the rows of a table that exists already."""

    NONE = "none"
    SCAN = "scan"
    BUILD = "index build"
    REWRITE = "rewrite"
    ROWS = "rows"
    """Rows that the statement's own conditions choose."""


class Phase(StrEnum):
    EXPAND = "expand"
    CONTRACT = "contract"
    """An older release that still serves may fail by it."""


@dataclass(frozen=True)
class Statement:
    """One statement of a file.

    Attributes:
        number: Its place in the file, from 1 on.
        line: Where it begins in the file, from 1 on, comments before it not counted.
        kind: Its first words, as `ALTER TABLE`.
        objects: Tables, views or indexes that it names as what it changes; with their schema where it is written.
        alone: Whether it may not run inside a transaction.
        fresh: Whether all it touches was made earlier in the same file, so that nobody can wait for it.
    """

    number: int
    line: int
    text: str
    kind: str
    objects: tuple[str, ...] = ()
    alone: bool = False
    lock: Lock = Lock.UNKNOWN
    work: Work = Work.NONE
    phase: Phase = Phase.EXPAND
    fresh: bool = False
    why: str = ""
    """What an older release would miss; empty for an expanding one."""
