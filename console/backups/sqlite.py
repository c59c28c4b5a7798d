"""Backups of a live SQLite file: a copy as of one moment, checked, and sealed like any other.

Writers go on meanwhile. What is in the write-ahead log is in the copy.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from console.backups import seal
from console.backups.catalogue import LITE, SEALED_LITE, Catalogue, check_files, digest_file
from console.backups.frame import Frame
from console.backups.take import utc_now
from console.backups.values import (
    Backup,
    Interrupted,
    Kind,
    Progress,
    Proof,
    State,
    Stopped,
    Sums,
    TableSum,
    Told,
    keep_quiet,
    never,
)
from console.domain.errors import Refused, UsageError
from console.transfer.data.inventory import quoted
from console.transfer.data.source import connect, take_snapshot

CONTENT = "content"
"""Key of the digest of the clear file among the sums' objects."""


@dataclass(frozen=True)
class LiteRequest:
    """What is wanted: the file, whose it is, the directory of all backups, and age's public keys or none."""

    file: Path
    name: str
    root: Path
    recipients: Sequence[str] = ()
    note: str = ""


def take_copy(
    request: LiteRequest,
    *,
    told: Told = keep_quiet,
    stopped: Stopped = never,
    now: Callable[[], datetime] = utc_now,
) -> Backup:
    """Take a backup of a SQLite file; blocks until it is whole.

    Raises:
        Interrupted: `stopped` said so; nothing is left.
        UsageError: There is no such file, it is no SQLite database, or it is damaged; nothing is left.
    """
    frame = Frame(request.root, request.name, Kind.SQLITE, LITE, SEALED_LITE, request.recipients, request.note)
    frame.prepare()

    def look(done: int, total: int) -> None:
        if stopped():
            raise Interrupted
        told(Progress("copy", request.file.name, done, total))

    def fill(backup: Backup) -> Backup:
        clear = backup.path / LITE
        take_snapshot(request.file, clear, look)
        faults = _find_damage(clear)
        if faults:
            raise UsageError(
                f"The SQLite file is damaged already: {faults[0]}",
                str(request.file),
                "Repair it first (`.recover` of sqlite3); a backup of it would be no better.",
            )
        tool = f"SQLite {sqlite3.sqlite_version}"
        return replace(backup, sums=_read_sums(clear), source_size=clear.stat().st_size, tool=tool)

    return frame.take(fill, told, now)


def prove_copy(
    backup: Backup, identity: str = "", work: Path | None = None, *, now: Callable[[], datetime] = utc_now
) -> Proof:
    """Open a backup, look at every page of it and compare; the answer is kept in its record.

    Raises:
        UsageError: It is encrypted, and there is no identity.
    """
    began = time.monotonic()
    wrong = check_files(backup)
    opened_at = began
    if not wrong:
        try:
            with opened_copy(backup, identity, work) as clear:
                opened_at = time.monotonic()
                wrong = _find_damage(clear)
                if digest_file(clear) != backup.sums.objects.get(CONTENT):
                    wrong.append("Its content is another one.")
                elif _read_sums(clear) != backup.sums:
                    wrong.append("Its tables hold other counts of rows.")
        except seal.Unreadable as problem:
            wrong = [str(problem)]
        except sqlite3.DatabaseError as problem:
            wrong = [f"It cannot be read: {problem}."]
    ended = time.monotonic()
    proof = Proof(
        not wrong,
        now(),
        tuple(wrong),
        "its own copy",
        round(opened_at - began, 3),
        round(ended - opened_at, 3),
        round(ended - began, 3),
    )
    state = State.VERIFIED if proof.verified else State.DAMAGED
    if not backup.harmed:
        Catalogue(backup.path.parent.parent).write(replace(backup, state=state, proof=proof))
    return proof


def restore_copy(backup: Backup, into: Path, identity: str = "", work: Path | None = None) -> None:
    """Write the file out, to where nothing is yet.

    Raises:
        Refused: Something is there already, or the backup was changed.
        UsageError: It is encrypted, and there is no identity.
    """
    if into.exists():
        raise Refused("There is a file already; it is not replaced.", str(into), "Name another one.")
    wrong = check_files(backup)
    if wrong:
        raise Refused(f"The backup is damaged: {wrong[0]}", backup.id, "Take another one.")
    part = into.with_name(f".{into.name}.part")
    try:
        with opened_copy(backup, identity, work) as clear:
            shutil.copyfile(clear, part)
    except seal.Unreadable as problem:
        raise Refused(f"The backup is damaged: {problem}", backup.id, "Take another one.") from None
    part.chmod(0o600)
    part.replace(into)


@contextlib.contextmanager
def opened_copy(backup: Backup, identity: str, work: Path | None) -> Iterator[Path]:
    """The clear file for as long as the block lasts."""
    if not backup.sealed:
        yield backup.path / LITE
        return
    with seal.opened_with(backup, backup.path / SEALED_LITE, identity, work) as clear:
        yield clear


def _find_damage(file: Path) -> list[str]:
    with contextlib.closing(connect(file)) as lite:
        return [str(row[0]) for row in lite.execute("PRAGMA integrity_check(20)") if row[0] != "ok"]


def _read_sums(file: Path) -> Sums:
    with contextlib.closing(connect(file)) as lite:
        names = [row[0] for row in lite.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
        counts = {name: lite.execute(f"SELECT count(*) FROM {quoted(name)}").fetchone()[0] for name in names}  # noqa: S608 - quoted
    return Sums(0, {name: TableSum(count) for name, count in counts.items()}, {}, {CONTENT: digest_file(file)})
