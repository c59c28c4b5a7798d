"""What a run of migrations is asked for, how it tells where it stands, and how it fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from console.domain.errors import ConsoleError
from console.migrations.checks import Leave
from console.migrations.scripts import Direction, Script


class MigrationFailed(ConsoleError):
    """The database refused a file, or its verify script did; says what of it was kept. Earlier files are applied."""


@dataclass(frozen=True)
class Progress:
    """Where a run stands: which file of how many, and which of its statements; 0 between them."""

    filename: str
    file: int
    files: int
    statement: int = 0
    statements: int = 0
    words: str = ""


@dataclass(frozen=True)
class Request:
    """What is to be run, and what the caller knows and allows."""

    direction: Direction
    scripts: Sequence[Script]
    leave: Leave = field(default_factory=Leave)
    reverts: Sequence[Script] = ()
    """Down scripts by which files are taken back whose verify script failed."""
    who: str = ""
    backup: str = ""
    lint: Mapping[str, str] = field(default_factory=dict)
    """What the linter said, by version."""
    writes_anyway: bool = False
    """Write although the database is read-only for all others, since the caller made it so."""
