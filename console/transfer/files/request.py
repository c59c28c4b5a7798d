"""What a transfer of files is asked for, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from console.transfer.files.check import Letter, Line
from console.transfer.files.journal import Entry, State
from console.transfer.files.scan import Left, Remark
from providers.contract import BucketFacts, FileStore

if TYPE_CHECKING:
    from console.transfer.files.references import References

MOST_DANGLING = 1_000
"""References to nothing that are told one by one; beyond, they are counted."""
OpenStore = Callable[[], AbstractAsyncContextManager[FileStore]]


class Act(StrEnum):
    """What is wanted."""

    TRANSFER = "transfer"
    DRY_RUN = "dry-run"
    CHECK = "check"
    FIND_REFERENCES = "find-references"
    REVERT = "revert"


class ReferBy(StrEnum):
    """What a reference becomes: the public address, `bucket/key`, or the address where the bucket is public."""

    AUTO = "auto"
    URL = "url"
    KEY = "key"


@dataclass(frozen=True)
class Request:
    """What is wanted.

    Attributes:
        open_store: Opens the bucket, in the loop in which it is used.
        work: A directory for the journal; the same one for the same folder and bucket.
        prefix: What the keys begin with, as `uploads/`; empty for nothing.
        replace: Take the place of files that are not ours.
        download: Read every content back to compare or verify it, also where the bucket tells a digest of it.
        at_once: Files under way together; more than eight exhaust the platform's own connections.
        place: Which bucket, as the ledger of references names it.
        database: The address of the database with the references; a secret. Empty for none.
        rewrite: Columns to rewrite once everything is verified, as `TABLE.COLUMN`.
        old_prefixes: What stood before a path in references so far; empty for the folder's name and path.
        refer_by: What references become.
        triggers_ok: Rewrite also where triggers run on it.
        state: Quarterdeck's own directory, which is left out where it lies in the folder.
    """

    folder: Path
    open_store: OpenStore = field(repr=False)
    work: Path
    act: Act = Act.TRANSFER
    prefix: str = ""
    follow_links: bool = False
    replace: bool = False
    download: bool = False
    at_once: int = 8
    place: str = ""
    database: str = field(default="", repr=False)
    rewrite: tuple[str, ...] = ()
    old_prefixes: tuple[str, ...] = ()
    refer_by: ReferBy = ReferBy.AUTO
    triggers_ok: bool = False
    state: Path | None = None


@dataclass(frozen=True)
class Visit:
    """A file read through the door that visitors use. `problem`: what went wrong; empty for nothing."""

    path: str
    problem: str = ""


@dataclass(frozen=True)
class Result:
    """What became of it.

    Attributes:
        left: What stayed behind, with the reason. `failed`: what should have gone and did not.
        lines: The comparison, where one was asked for.
        visits: Files read as visitors read them.
        references: What was found of them and done with them, where that was asked for.
        orphans: Files that no reference names, where references were looked for.
        seconds: Of each phase.
    """

    act: Act
    bucket: BucketFacts | None
    entries: tuple[Entry, ...]
    left: tuple[Left, ...] = ()
    remarks: tuple[Remark, ...] = ()
    lines: tuple[Line, ...] = ()
    visits: tuple[Visit, ...] = ()
    references: References | None = None
    orphans: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)

    def count(self, *states: State) -> int:
        return sum(one.state in states for one in self.entries)

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(one.found.size for one in self.entries)

    @property
    def failed(self) -> tuple[Entry, ...]:
        return tuple(one for one in self.entries if one.state is State.FAILED)

    @property
    def holds(self) -> bool:
        """Everything that was to go is verified and can be read; compared, everything is the same."""
        if self.act is Act.CHECK:
            return all(line.letter is Letter.SAME for line in self.lines)
        if any(visit.problem for visit in self.visits):
            return False
        if self.act is Act.REVERT:
            return not (self.references and any(one.kept for one in self.references.changed))
        return self.act is not Act.TRANSFER or all(one.state is State.VERIFIED for one in self.entries)
