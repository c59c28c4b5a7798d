"""Measurements and the audit trail, in SQL that SQLite and Postgres both read; run inside the store's own thread."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from console.domain.audit import AuditEntry
from console.domain.ids import EnvironmentName
from console.domain.telemetry import Measurement
from console.storage import rows
from console.storage.records import Sql


def add_measurements(sql: Sql, items: Sequence[Measurement]) -> None:
    with sql.writing():
        sql.run_many(
            f"INSERT INTO measurements ({rows.MEASUREMENT_COLUMNS}) VALUES (?, ?, ?, ?, ?)",  # noqa: S608
            [rows.measurement_row(item) for item in items],
        )


def measurements(
    sql: Sql, environment: EnvironmentName, since: datetime, until: datetime, names: Sequence[str]
) -> tuple[Measurement, ...]:
    chosen = f" AND name IN ({', '.join('?' * len(names))})" if names else ""
    found = sql.query(
        f"SELECT {rows.MEASUREMENT_COLUMNS} FROM measurements"  # noqa: S608
        f" WHERE environment = ? AND at BETWEEN ? AND ?{chosen} ORDER BY at",
        (environment, since.timestamp(), until.timestamp(), *names),
    )
    return rows.read_rows(found, rows.read_measurement)


def forget_measurements(sql: Sql, before: datetime) -> int:
    with sql.writing():
        moment = (before.timestamp(),)
        count = int(sql.query("SELECT count(*) FROM measurements WHERE at < ?", moment)[0][0])
        sql.run("DELETE FROM measurements WHERE at < ?", moment)
        return count


def record_audit(sql: Sql, entry: AuditEntry) -> None:
    with sql.writing():
        sql.run(
            "INSERT INTO audit (at, actor, action, subject, outcome, detail) VALUES (?, ?, ?, ?, ?, ?)",
            rows.audit_row(entry),
        )


def audit(sql: Sql, since: datetime | None, until: datetime | None, actor: str, limit: int) -> tuple[AuditEntry, ...]:
    conditions, parameters = ["1 = 1"], list[object]()
    for condition, value in (
        ("at >= ?", rows.optional_time_text(since)),
        ("at <= ?", rows.optional_time_text(until)),
        ("actor = ?", actor or None),
    ):
        if value is not None:
            conditions.append(condition)
            parameters.append(value)
    found = sql.query(
        f"SELECT {rows.AUDIT_COLUMNS} FROM audit WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT ?",  # noqa: S608
        (*parameters, limit),
    )
    return rows.read_rows(found, rows.read_audit)
