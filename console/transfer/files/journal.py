"""What is known of a transfer, on disk: every file, how far it is, and what lies behind in the bucket.

A state is written before the request that it speaks of leaves, and after its answer came, so that a process killed at
any moment finds out by looking. One process at a time; another one is told so. Of every key it is remembered what was
ever sent there, so that what is ours may take the place of what was, also long after the file was gone for a while.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from console.domain.errors import StoreDamaged, StoreError, StoreTooNew, UsageError
from console.transfer.files.scan import Found, Left, Why

VERSION = 2
_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS files (
  path BLOB PRIMARY KEY, key TEXT NOT NULL UNIQUE,
  size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL,
  sha256 TEXT NOT NULL, md5 TEXT NOT NULL, content_type TEXT NOT NULL, doubt TEXT NOT NULL,
  state TEXT NOT NULL, offset INTEGER NOT NULL DEFAULT 0, upload TEXT NOT NULL DEFAULT '',
  tries INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '',
  verified_by TEXT NOT NULL DEFAULT '', sends INTEGER NOT NULL DEFAULT 0,
  scan INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS files_by_state ON files (state);
CREATE TABLE IF NOT EXISTS left_behind (path BLOB PRIMARY KEY, why TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sent (key TEXT, sha256 TEXT, PRIMARY KEY (key, sha256)) WITHOUT ROWID;
"""
_FROM_VERSION_1 = """
BEGIN;
CREATE TABLE sent (key TEXT, sha256 TEXT, PRIMARY KEY (key, sha256)) WITHOUT ROWID;
INSERT INTO sent SELECT key, ours FROM files WHERE ours <> '';
DROP TABLE files;
DELETE FROM facts WHERE name = 'version';
COMMIT;
"""


class State(StrEnum):
    """How far a file is."""

    PENDING = "pending"
    UPLOADING = "uploading"
    UPLOADED = "uploaded"
    VERIFIED = "verified"
    FAILED = "failed"


@dataclass(frozen=True)
class Entry:
    """One file of the journal.

    Attributes:
        offset: Bytes that had arrived when last known. `upload`: what names an upload in pieces, empty for none.
        sent: The SHA-256 of every content that ever left for its key.
        verified_by: `etag` or `download`.
        sends: How often the content was sent to the end and taken.
    """

    found: Found
    key: str
    state: State
    offset: int = 0
    upload: str = ""
    tries: int = 0
    error: str = ""
    verified_by: str = ""
    sends: int = 0
    sent: frozenset[str] = frozenset()

    @property
    def path(self) -> str:
        return self.found.path


class Journal:
    """The journal of one folder and one bucket, in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        """Raises UsageError where another process holds it, StoreTooNew where a newer version wrote it."""
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise StoreError(
                f"The journal cannot be kept: {problem.strerror}.", str(directory), "Make that directory writable."
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise UsageError(
                "This transfer is under way in another process.", str(directory), "Wait for it, or stop it."
            ) from None
        self._db = sqlite3.connect(directory / "journal.db", isolation_level=None, check_same_thread=False)
        try:
            self._prepare(directory)
        except BaseException:
            self.close()
            raise

    def _prepare(self, directory: Path) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
        version = int(self.fact("version") or VERSION)
        if version > VERSION:
            raise StoreTooNew(
                "A newer Quarterdeck wrote this journal.", str(directory), "Use that version to go on with it."
            )
        if version < VERSION:
            self._db.executescript(_FROM_VERSION_1)
        self._db.executescript(_TABLES)
        self.keep_fact("version", str(VERSION))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()
        os.close(self._lock)

    def fact(self, name: str) -> str:
        """Empty where nothing was kept."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def keep_fact(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def known(self) -> dict[str, Found]:
        """Every file of the last look, by path."""
        return {entry.path: entry.found for entry in self.entries()}

    def take_scan(self, seen: Iterable[Found | Left], prefix: str) -> None:
        """Write down a look at the folder: what changed begins anew, what is gone is forgotten at the end.

        One that is cut short keeps what was read; the next look begins anew and reads only the rest.
        """
        scan = int(self.fact("scan") or 0) + 1
        self._db.execute("DELETE FROM left_behind")
        for one in seen:
            if isinstance(one, Left):
                self._db.execute(_LEAVE, (os.fsencode(one.path), one.why.value, one.reason))
            else:
                self._db.execute(_TAKE, _of_found(one, f"{prefix}{one.key}", scan))
        self._db.execute("DELETE FROM files WHERE scan < ?", (scan,))
        self.keep_fact("scan", str(scan))

    def leave(self, path: str, why: Why, reason: str) -> None:
        """Move a file to those that stay behind."""
        self._db.execute("DELETE FROM files WHERE path = ?", (os.fsencode(path),))
        self._db.execute(_LEAVE, (os.fsencode(path), why.value, reason))

    def entries(self, *states: State) -> Iterator[Entry]:
        """Files in these states, in all without any, by path."""
        where = f"WHERE state IN ({', '.join('?' * len(states))})" if states else ""
        rows = self._db.execute(f"SELECT {_FIELDS} FROM files f {where} ORDER BY path", [*states])
        yield from map(_entry, rows.fetchall())

    def entry(self, path: str) -> Entry:
        """Raises KeyError for a path that is not known."""
        row = self._db.execute(f"SELECT {_FIELDS} FROM files f WHERE path = ?", (os.fsencode(path),)).fetchone()
        if row is None:
            raise KeyError(path)
        return _entry(row)

    def left(self) -> list[Left]:
        rows = self._db.execute("SELECT path, why, reason FROM left_behind ORDER BY path").fetchall()
        return [Left(os.fsdecode(path), Why(why), reason) for path, why, reason in rows]

    def counts(self) -> dict[State, int]:
        rows = self._db.execute("SELECT state, count(*) FROM files GROUP BY state").fetchall()
        return {State(state): count for state, count in rows}

    def begin(self, path: str, upload: str = "") -> None:
        """The request leaves now; with `upload`, an upload in pieces of that name has begun."""
        self._db.execute(_SENDING, (os.fsencode(path),))
        self._set(path, "state = ?, upload = ?, offset = 0", State.UPLOADING, upload)

    def count(self, path: str, offset: int) -> None:
        self._set(path, "offset = ?", offset)

    def uploaded(self, path: str, *, sent: bool) -> None:
        """It is there. `sent`: by this attempt, and not found there."""
        self._set(path, "state = ?, upload = '', error = '', sends = sends + ?", State.UPLOADED, int(sent))

    def verified(self, path: str, by: str) -> None:
        self._set(path, "state = ?, error = '', tries = 0, verified_by = ?", State.VERIFIED, by)

    def doubt(self, path: str) -> None:
        """It is not there any more as it was verified: it has to be looked at again."""
        self._set(path, "state = ?, upload = '', offset = 0", State.PENDING)

    def touched(self, path: str, size: int, mtime_ns: int, before: int, after: int) -> None:
        """Something else of a file changed than its content, so that it need not be read again: its ctime moved."""
        where = "path = ? AND size = ? AND mtime_ns = ? AND ctime_ns = ?"
        self._db.execute(
            f"UPDATE files SET ctime_ns = ? WHERE {where}", (after, os.fsencode(path), size, mtime_ns, before)
        )

    def abandoned(self) -> list[str]:
        """Keys under which something was sent and that no file of the folder has now."""
        rows = self._db.execute("SELECT DISTINCT key FROM sent WHERE key NOT IN (SELECT key FROM files) ORDER BY key")
        return [key for (key,) in rows]

    def failed(self, path: str, error: str) -> None:
        self._set(path, "state = ?, tries = tries + 1, error = ?", State.FAILED, error)

    def _set(self, path: str, change: str, *values: object) -> None:
        self._db.execute(f"UPDATE files SET {change} WHERE path = ?", (*values, os.fsencode(path)))


_FIELDS = (
    "path, size, mtime_ns, sha256, md5, content_type, doubt, ctime_ns,"
    " key, state, offset, upload, tries, error, verified_by, sends,"
    " (SELECT group_concat(s.sha256) FROM sent s WHERE s.key = f.key)"
)
_SENDING = "INSERT OR IGNORE INTO sent SELECT key, sha256 FROM files WHERE path = ?"
_LEAVE = "INSERT OR REPLACE INTO left_behind VALUES (?, ?, ?)"
_TAKE = """
INSERT INTO files (path, size, mtime_ns, sha256, md5, content_type, doubt, ctime_ns, key, state, scan)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?)
ON CONFLICT (path) DO UPDATE SET
  size = excluded.size, mtime_ns = excluded.mtime_ns, sha256 = excluded.sha256, md5 = excluded.md5,
  content_type = excluded.content_type, doubt = excluded.doubt, ctime_ns = excluded.ctime_ns,
  key = excluded.key, scan = excluded.scan,
  state = CASE WHEN files.sha256 = excluded.sha256 THEN files.state ELSE 'pending' END,
  upload = CASE WHEN files.sha256 = excluded.sha256 THEN files.upload ELSE '' END,
  offset = CASE WHEN files.sha256 = excluded.sha256 THEN files.offset ELSE 0 END,
  error = CASE WHEN files.sha256 = excluded.sha256 THEN files.error ELSE '' END
"""


def _of_found(one: Found, key: str, scan: int) -> tuple[object, ...]:
    told = one.size, one.mtime_ns, one.sha256, one.md5, one.content_type, one.doubt, one.ctime_ns
    return os.fsencode(one.path), *told, key, scan


def _entry(row: tuple[Any, ...]) -> Entry:
    path, *told = row[:8]
    key, state, offset, upload, tries, error, verified_by, sends, sent = row[8:]
    digests = frozenset(sent.split(",")) if sent else frozenset[str]()
    found = Found(os.fsdecode(path), *told)
    return Entry(found, key, State(state), offset, upload, tries, error, verified_by, sends, digests)


@contextmanager
def open_journal(directory: Path) -> Iterator[Journal]:
    """The journal, and whatever befalls its file in words.

    Raises:
        UsageError: Another process holds it.
        StoreError: It cannot be written, is damaged, or a newer version wrote it.
    """
    try:
        with Journal(directory) as journal:
            yield journal
    except sqlite3.OperationalError as problem:
        raise StoreError(
            f"The journal cannot be written: {problem}.",
            str(directory),
            "Make room or make it writable; then the same command goes on from there.",
        ) from problem
    except sqlite3.DatabaseError as problem:
        raise StoreDamaged(
            f"The journal of this transfer is damaged: {problem}.",
            str(directory),
            "Remove that directory: the same command makes a new journal, and sends nothing that is there already.",
        ) from problem
