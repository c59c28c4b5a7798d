"""The tables of `history.db`, in versions that only go forward. `PRAGMA user_version` says which one a file has."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from sqlite_utils import Database

from console.domain.errors import StoreDamaged, StoreTooNew

APPLICATION_ID = 0x71646B31  # "qdk1", so that `file` and we tell a history from any other SQLite database


def _first(db: Database) -> None:
    db.table("numbers").create({"name": str, "value": int}, pk="name", strict=True)
    db.table("numbers").insert_all([{"name": "event", "value": 0}, {"name": "control", "value": 0}])
    db.table("meta").create({"name": str, "value": str}, pk="name", strict=True)
    events = db.table("events").create(
        {"seq": int, "deployment": str, "type": str, "at": str, "actor": str, "payload": str, "once": str},
        pk="seq",
        not_null={"deployment", "type", "at", "actor", "payload"},
        strict=True,
    )
    events.create_index(["deployment", "seq"])
    events.create_index(["once"], unique=True)
    deployments = db.table("deployments").create(
        {
            "id": str,
            "environment": str,
            "strategy": str,
            "release": str,
            "status": str,
            "requested_by": str,
            "requested_at": str,
            "started_at": str,
            "ended_at": str,
            "progress": float,
            "detail": str,
            "request_id": str,
            "finished": int,
            "opened_seq": int,
            "last_seq": int,
        },
        pk="id",
        not_null={"environment", "status", "requested_by", "requested_at", "finished", "opened_seq", "last_seq"},
        strict=True,
    )
    deployments.create_index(["request_id"], unique=True)
    deployments.create_index(["environment", "opened_seq"])
    deployments.create_index(["finished", "opened_seq"])
    db.table("locks").create(
        {"environment": str, "deployment": str, "holder": str, "since": str, "reason": str, "worker": str},
        pk="environment",
        strict=True,
    )
    controls = db.table("controls").create(
        {
            "id": int,
            "deployment": str,
            "control": str,
            "actor": str,
            "at": str,
            "step": str,
            "reason": str,
            "services": str,
            "request_id": str,
            "taken": int,
        },
        pk="id",
        not_null={"deployment", "control", "actor", "at", "taken"},
        defaults={"taken": 0},
        strict=True,
    )
    controls.create_index(["deployment", "taken"])
    controls.create_index(["request_id"], unique=True)
    measurements = db.table("measurements").create(
        {"at": float, "environment": str, "name": str, "value": float, "labels": str}, strict=True
    )
    measurements.create_index(["environment", "at"])
    audit = db.table("audit").create(
        {"id": int, "at": str, "actor": str, "action": str, "subject": str, "outcome": str, "detail": str},
        pk="id",
        strict=True,
    )
    audit.create_index(["at"])


def _reviews(db: Database) -> None:
    db.table("deployments").add_column("review", str, not_null_default="")


def _calendar(db: Database) -> None:
    freezes = db.table("freezes").create(
        {"id": str, "environment": str, "ends_at": str, "lifted": int, "body": str},
        pk="id",
        not_null={"environment", "ends_at", "lifted", "body"},
        strict=True,
    )
    freezes.create_index(["lifted", "ends_at"])
    schedule = db.table("schedule").create(
        {
            "id": str,
            "environment": str,
            "at": str,
            "is_open": int,
            "revision": int,
            "request_id": str,
            "body": str,
        },
        pk="id",
        not_null={"environment", "at", "is_open", "revision", "body"},
        strict=True,
    )
    schedule.create_index(["is_open", "at"])
    schedule.create_index(["request_id"], unique=True)


VERSIONS: tuple[Callable[[Database], None], ...] = (_first, _reviews, _calendar)


def upgrade(connection: sqlite3.Connection, path: Path) -> None:
    """Bring an open database to the newest version, one transaction for each step.

    Raises:
        StoreTooNew: A newer Quarterdeck wrote it; nothing was touched.
        StoreDamaged: It holds somebody else's tables.
    """
    check_version(connection, path)
    db = Database(connection, recursive_triggers=False, execute_plugins=False)
    for version, change in enumerate(VERSIONS, start=1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            if _version(connection) < version:  # another process may have been first
                change(db)
                connection.execute(f"PRAGMA user_version = {version}")
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def check_version(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that this version cannot use, before anything is written to it."""
    connection.execute("BEGIN")  # one view of the file: another process may be creating it at this moment
    try:
        version = _version(connection)
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    finally:
        connection.execute("ROLLBACK")
    if version > len(VERSIONS):
        raise StoreTooNew(
            f"The history was written by a newer Quarterdeck: it has schema version {version}, "
            f"this one knows up to {len(VERSIONS)}.",
            str(path),
            "Nothing was changed. Install the newer Quarterdeck again, or use another state directory with --home.",
        )
    if (version == 0 and tables) or (version and application != APPLICATION_ID):
        raise StoreDamaged(
            "The file is a SQLite database, but not a history of Quarterdeck.",
            str(path),
            "Nothing was changed. Move it away, or use another state directory with --home.",
        )


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
