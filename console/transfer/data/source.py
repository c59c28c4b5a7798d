"""Open a SQLite file as it is at one moment, also while somebody writes to it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from console.domain.errors import UsageError

PAGES_A_STEP = 5_000
BATCH_BYTES = 2_000_000
MAGIC = b"SQLite format 3\x00"
_LEFT_IN_THE_MIDDLE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_READONLY_ROLLBACK)
"""What reading says where a journal has to be played back first, which would write to the source."""


class BrokenText(bytes):
    """Text of SQLite that is no UTF-8."""


def take_snapshot(path: Path, copy: Path, told: Callable[[int, int], None] = lambda done, total: None) -> None:
    """Copy a file, with what is in its write-ahead log, as of one moment. Writers go on meanwhile.

    Args:
        told: Pages done, and pages in all.

    Raises:
        UsageError: There is no such file, it is no SQLite database, or it is damaged.
    """
    check_file(path)
    part, mended = copy.with_suffix(".part"), copy.with_suffix(".mended")
    try:
        with readable(path):
            try:
                _copy(path, part, told)
            except sqlite3.OperationalError as problem:
                if problem.sqlite_errorcode not in _LEFT_IN_THE_MIDDLE:
                    raise
                _finish_aside(path, mended)
                _copy(mended, part, told)
        part.chmod(0o600)
        part.replace(copy)
    finally:
        for left in (part, mended, _journal_of(mended)):
            left.unlink(missing_ok=True)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say in words what SQLite finds wrong with a file.

    Raises:
        UsageError: It is damaged, or locked.
    """
    try:
        yield
    except sqlite3.DatabaseError as problem:
        if getattr(problem, "sqlite_errorcode", 0) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            remedy = "Somebody holds it locked: try again when they have ended."
        else:
            remedy = "Check it with `PRAGMA integrity_check`; `.recover` of the program sqlite3 saves what can be read."
        raise UsageError(f"The SQLite database cannot be read: {problem}.", str(path), remedy) from problem


def _copy(path: Path, part: Path, told: Callable[[int, int], None]) -> None:
    part.unlink(missing_ok=True)
    with closing(connect(path)) as lite, closing(sqlite3.connect(part)) as into:
        # A read transaction of our own: without it every write of somebody else would begin the copy anew.
        lite.execute("BEGIN")
        lite.execute("SELECT count(*) FROM sqlite_master").fetchone()
        lite.backup(into, pages=PAGES_A_STEP, progress=lambda _, left, total: told(total - left, total))
        into.execute("PRAGMA journal_mode = delete")


def _finish_aside(path: Path, mended: Path) -> None:
    """Copy a file whose writer died in the middle, with its journal, and take that write back in the copy."""
    shutil.copyfile(path, mended)
    shutil.copyfile(_journal_of(path), _journal_of(mended))
    with closing(sqlite3.connect(mended)) as lite:
        lite.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _journal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-journal")


def check_file(path: Path) -> None:
    """Say in words what is wrong with a path.

    Raises:
        UsageError: There is no such file, it is empty, or it is no SQLite database.
    """
    try:
        with path.open("rb") as file:
            begin = file.read(len(MAGIC))
    except OSError as problem:
        raise UsageError(f"The file cannot be read: {problem.strerror}.", str(path), "Name a SQLite file.") from problem
    if not begin:
        raise UsageError("The file is empty.", str(path), "Name a SQLite file that has something in it.")
    if begin != MAGIC:
        raise UsageError(
            "This is no SQLite database.", str(path), "Name a SQLite file; an encrypted one is opened first."
        )


def connect(path: Path) -> sqlite3.Connection:
    """Open read-only. Text that is no UTF-8 comes as `BrokenText` once `read_all_texts` was called."""
    return sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True, isolation_level=None)


def read_batches(cursor: sqlite3.Cursor, most: int) -> Iterator[list[tuple[Any, ...]]]:
    """What a statement gives, `most` rows at a time, and fewer where rows are heavy: about two MB."""
    size = min(16, most)
    while batch := cursor.fetchmany(size):
        yield batch
        sample = batch[:: 1 + len(batch) // 8]
        weight = sum(len(value) for row in sample for value in row if isinstance(value, str | bytes))
        size = max(1, min(most, 4 * size, BATCH_BYTES * len(sample) // (weight + 1)))


def read_all_texts(lite: sqlite3.Connection) -> None:
    """Never fail at a text that is no UTF-8. Slower: it decodes in Python."""

    def decode(raw: bytes) -> str | BrokenText:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return BrokenText(raw)

    lite.text_factory = decode


def find_faults(path: Path) -> Sequence[str]:
    """What SQLite itself finds wrong: pages, indexes, and rows that point nowhere."""
    with closing(connect(path)) as lite:
        faults = [str(row[0]) for row in lite.execute("PRAGMA quick_check(20)") if row[0] != "ok"]
        names = [
            str(name) for (name,) in lite.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        ]
        for name in names:
            orphans: dict[str, int] = {}
            try:
                for _, _, parent, _ in lite.execute("SELECT * FROM pragma_foreign_key_check(?)", (name,)):
                    orphans[parent] = orphans.get(parent, 0) + 1
            except sqlite3.OperationalError as problem:  # a key to something that is not unique, or not there
                faults.append(str(problem))
            faults += [f"{count} rows of {name} point to no row of {parent}" for parent, count in orphans.items()]
    return faults
