"""Make a SQLite file read-only for everybody who has it open, and let it be written to again.

A trigger before every write of every table refuses it in words. All of them come and go in one transaction, so that
every write of others is either in the file before, or is refused; they stay when the process that made them dies.
Virtual tables take no triggers, and who switches triggers off is not held.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from console.domain.errors import UsageError
from console.transfer.data.inventory import FENCE, quoted, take_inventory
from console.transfer.data.source import check_file

WORDS = "This database is being moved and takes no writes now."
PATIENCE_SECONDS = 30.0
"""How long a transaction of somebody else may go on before ours gives up."""

_WRITES = ("INSERT", "UPDATE", "DELETE")


def fence(path: Path) -> tuple[str, ...]:
    """Refuse every write from now on; the names of the tables that are held. Done twice it is done once.

    Raises:
        UsageError: The file cannot be written to, or somebody keeps it locked.
    """
    with _writing(path) as lite:
        tables = [table.name for table in take_inventory(lite).tables]
        for table in tables:
            for write in _WRITES:
                name = quoted(f"{FENCE}{write.lower()}_{table}")
                lite.execute(
                    f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {write} ON {quoted(table)}"
                    f" BEGIN SELECT RAISE(ABORT, '{WORDS}'); END"
                )
    return tuple(tables)


def unfence(path: Path) -> int:
    """Take writes again; how many triggers of ours there were.

    Raises:
        UsageError: As `fence`.
    """
    with _writing(path) as lite:
        names = find_fences(lite)
        for name in names:
            lite.execute(f"DROP TRIGGER {quoted(name)}")
    return len(names)


def find_fences(lite: sqlite3.Connection) -> list[str]:
    """Triggers of ours in an open file."""
    rows = lite.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY name").fetchall()
    return [str(row[0]) for row in rows if str(row[0]).startswith(FENCE)]


@contextmanager
def _writing(path: Path) -> Iterator[sqlite3.Connection]:
    check_file(path)
    address = f"file:{quote(str(path.resolve()))}?mode=rw"
    try:
        with closing(sqlite3.connect(address, uri=True, isolation_level=None, timeout=PATIENCE_SECONDS)) as lite:
            lite.execute("BEGIN IMMEDIATE")
            try:
                yield lite
            except BaseException:
                lite.execute("ROLLBACK")
                raise
            lite.execute("COMMIT")
    except sqlite3.OperationalError as problem:
        raise UsageError(
            f"The SQLite file cannot be written to: {problem}.",
            str(path),
            "The worker's user must be allowed to write to it and its folder, and nobody may hold a transaction open.",
        ) from problem
