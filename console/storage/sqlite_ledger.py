"""The ledger in one SQLite file, `history.db`: WAL, every commit on disk before it is told, mode 0600."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from console.domain.errors import ConsoleError, StoreBusy, StoreDamaged, StoreError
from console.domain.events import Event
from console.storage import records, schema
from console.storage.records import Sql
from console.storage.sql_ledger import SqlLedger

BUSY_TIMEOUT = timedelta(seconds=10)
CHECKED_BYTES = 64 * 1024 * 1024  # `quick_check` reads the whole file; beyond this size it would delay every start


class SqliteSql:
    """A connection in autocommit mode, so that transactions begin where we say so."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, tuple(parameters)).fetchall()

    def run(self, sql: str, parameters: Sequence[object] = ()) -> None:
        self.connection.execute(sql, tuple(parameters))

    def run_many(self, sql: str, parameters: Sequence[Sequence[object]]) -> None:
        self.connection.executemany(sql, [tuple(row) for row in parameters])

    def writing(self) -> AbstractContextManager[None]:
        return self._writing()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise


class SqliteLedger(SqlLedger):
    """Implements `Ledger` in the file at `path`. Several may share the file; only their own commits wake them."""

    def __init__(self, path: Path, busy_timeout: timedelta = BUSY_TIMEOUT) -> None:
        super().__init__("history")
        self._path = path
        self._busy_timeout = busy_timeout

    async def copy_events(self, events: Sequence[Event]) -> None:
        """Store events that a shared ledger numbered; those already here are left alone. Wakes nobody."""
        await self._call(lambda sql: records.copy_events(sql, self._folds, events))

    async def origin(self, own: str = "") -> str:
        """Where this file's events were numbered: "" for here. Sets it to `own` while the file is empty."""

        def work(sql: Sql) -> str:
            with sql.writing():
                found = sql.query("SELECT value FROM meta WHERE name = 'origin'")
                if not found and own and records.last_seq(sql) == 0:
                    sql.run("INSERT INTO meta VALUES ('origin', ?)", (own,))
                    return own
                return str(found[0][0]) if found else ""

        return await self._call(work)

    def _connect(self) -> Sql:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._create()
        connection = sqlite3.connect(
            self._path, timeout=self._busy_timeout.total_seconds(), isolation_level=None, check_same_thread=False
        )
        try:
            schema.check_version(connection, self._path)
            self._use_wal(connection)
            connection.execute("PRAGMA synchronous = FULL")
            if self._path.stat().st_size <= CHECKED_BYTES:
                self._check(connection)
            schema.upgrade(connection, self._path)
        except BaseException:
            connection.close()
            raise
        return SqliteSql(connection)

    def _create(self) -> None:
        """Make the file for its owner alone; SQLite gives -wal and -shm the same mode.

        An existing file is not opened here: closing it would drop the locks that SQLite holds on it in this process.
        """
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        """Switch to WAL. SQLite does not wait here while another connection is just doing the same."""
        deadline = time.monotonic() + self._busy_timeout.total_seconds()
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def _check(self, connection: sqlite3.Connection) -> None:
        answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if answer != "ok":
            raise _damaged(self._path, str(answer))

    def _disconnect(self, sql: Sql) -> None:
        assert isinstance(sql, SqliteSql)
        sql.connection.close()

    def _translate(self, problem: Exception) -> Exception:
        return translate(problem, self._path)


def translate(problem: Exception, path: Path) -> Exception:
    """Turn an error of SQLite or of the file system into one that says what to do; others pass unchanged."""
    if isinstance(problem, OSError):
        return StoreError(
            f"The history cannot be opened: {problem.strerror or problem}.",
            str(path),
            "Check that the state directory is yours and on a writable disk, or name another with --home.",
        )
    if isinstance(problem, ConsoleError) or not isinstance(problem, sqlite3.Error):
        return problem
    code = getattr(problem, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusy(
            "Another process is writing to the history and does not finish.",
            str(path),
            "Nothing was lost. Try again; `fuser` on the file names the process.",
        )
    if code == sqlite3.SQLITE_FULL:
        return StoreError(
            "The disk is full: the history could not be written.",
            str(path),
            "What was recorded before is intact. Free some space, then try again.",
        )
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return _damaged(path, str(problem))
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return StoreError(
            f"The history cannot be written: {problem}.", str(path), "Check the owner and the mode of the file."
        )
    return StoreError(
        f"The history could not be read or written: {problem}.",
        str(path),
        "What was recorded before is intact. Check the disk's space, quota and health, then try again.",
    )


def _damaged(path: Path, detail: str) -> StoreDamaged:
    return StoreDamaged(
        f"The history is damaged: {detail}.",
        str(path),
        "Nothing was changed. Restore the file from a backup, or move it away to begin a new history.",
    )
