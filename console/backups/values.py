"""What is known of a backup and of its proof, and how its making is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path


class Kind(StrEnum):
    POSTGRES = "postgres"
    SQLITE = "sqlite"


class State(StrEnum):
    """How far it got. Only `VERIFIED` was restored and found equal."""

    TAKING = "taking"
    TAKEN = "taken"
    VERIFIED = "verified"
    DAMAGED = "damaged"


@dataclass(frozen=True)
class Progress:
    """How far a piece of work is: `done` of `total` pieces; `total` is 0 where nobody can say."""

    phase: str
    about: str = ""
    done: int = 0
    total: int = 0


Told = Callable[[Progress], None]
Stopped = Callable[[], bool]


def keep_quiet(progress: Progress) -> None:
    """Tell nobody."""


def never() -> bool:
    """Go on to the end."""
    return False


class Interrupted(Exception):
    """Somebody asked to stop; what was half done is taken away."""


@dataclass(frozen=True)
class TableSum:
    """One table in one snapshot.

    Attributes:
        rows: How many.
        digest: The sum over all rows of a hash of the whole row.
        columns: The sum over all rows of a hash of each column alone, by its name; says what differs.
    """

    rows: int
    digest: str = "0"
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sums:
    """One database in one snapshot.

    Attributes:
        server: PostgreSQL's version as a number: 150018. 0 of SQLite.
        tables: By `schema.table`.
        sequences: What each stood at, seen once or twice. They move outside of snapshots: what a dump holds of them
            lies between what was seen before and after it. None where it was never used.
        objects: A digest of the definition of everything that has one, by kind and name.
        scope: Which kinds of these were read: `definitions.SCOPE` of then; 0 of SQLite and of the first backups.
    """

    server: int = 0
    tables: Mapping[str, TableSum] = field(default_factory=dict)
    sequences: Mapping[str, tuple[int | None, ...]] = field(default_factory=dict)
    objects: Mapping[str, str] = field(default_factory=dict)
    scope: int = 0

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())


@dataclass(frozen=True)
class Proof:
    """What restoring a backup has shown.

    Attributes:
        verified: It was restored without an error, and is equal.
        why: What speaks against it, each with the name of what is missing or differs; empty where it is verified.
        where: Where it was restored.
        restore_s: Seconds that restoring took; how long a restore of this size takes at least.
        sums_s: Seconds that comparing took.
        total_s: Seconds from the beginning to the answer, with checking and opening its files.
        left_out: Extensions that could not be made there, without which all the rest was restored.
        unproven: What else of the dump was not restored there, in words: owners and grants, event triggers.
    """

    verified: bool
    at: datetime
    why: tuple[str, ...] = ()
    where: str = ""
    restore_s: float = 0.0
    sums_s: float = 0.0
    total_s: float = 0.0
    left_out: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()


@dataclass(frozen=True)
class Backup:
    """One backup. It is what `backup.json` beside its data holds.

    Attributes:
        name: Whose: `production/api`, or what the operator called it.
        at: The moment that its data is of (UTC).
        files: SHA-256 of each of its files, by the path within its folder.
        size: Bytes of its files.
        source_size: Bytes of the database itself.
        sealed: Whether it is encrypted; then its one file is an age file.
        recipients: Public keys that it was encrypted to.
        migration: The newest applied migration, where the database tells one.
        left_out: Schemas that are not in it.
        roles: Names of roles that its objects speak of. Roles themselves are not in a dump.
        superusers: Those of them that may do everything.
        locale: Encoding and collation of the database, as CREATE DATABASE takes them.
        process: Who makes it, while it is being taken: `PID START` on `host`.
        folder: Where it is; not written down, so that a folder may move.
        harmed: Why nothing of this is what was written down; then nothing is written over it.
    """

    id: str
    name: str
    kind: Kind
    at: datetime
    state: State = State.TAKING
    sums: Sums = Sums()
    files: Mapping[str, str] = field(default_factory=dict)
    size: int = 0
    source_size: int = 0
    took_s: float = 0.0
    sealed: bool = False
    recipients: tuple[str, ...] = ()
    migration: str = ""
    left_out: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    superusers: tuple[str, ...] = ()
    locale: Mapping[str, str] = field(default_factory=dict)
    tool: str = ""
    note: str = ""
    process: str = ""
    host: str = ""
    proof: Proof | None = None
    folder: str = ""
    harmed: str = ""

    @property
    def path(self) -> Path:
        return Path(self.folder)

    @property
    def is_verified(self) -> bool:
        return self.state is State.VERIFIED
