"""Freezes and deployments to come, in SQL that SQLite and Postgres both read; run inside the store's own thread."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

from console.domain.codec import from_json, to_json
from console.domain.freeze import Freeze
from console.domain.schedule import Scheduled
from console.storage import rows
from console.storage.records import Sql


def add_freeze(sql: Sql, freeze: Freeze) -> None:
    with sql.writing():
        sql.run(
            "INSERT INTO freezes (id, environment, ends_at, lifted, body) VALUES (?, ?, ?, 0, ?)",
            (freeze.id, freeze.environment, rows.time_text(freeze.ends_at), rows.json_text(to_json(freeze))),
        )


def freezes(sql: Sql, after: datetime) -> tuple[Freeze, ...]:
    """Those that nobody lifted and that end later, by their begin."""
    found = sql.query("SELECT id, body FROM freezes WHERE lifted = 0 AND ends_at > ?", (rows.time_text(after),))
    read = rows.read_rows(found, lambda row: from_json(Freeze, json.loads(row[1])))
    return tuple(sorted(read, key=lambda freeze: (freeze.begins_at, freeze.id)))


def lift_freeze(sql: Sql, lifted: Freeze) -> bool:
    """Whether it was not lifted before."""
    with sql.writing():
        if not sql.query("SELECT id FROM freezes WHERE id = ? AND lifted = 0", (lifted.id,)):
            return False
        body = rows.json_text(to_json(lifted))
        sql.run("UPDATE freezes SET lifted = 1, body = ? WHERE id = ?", (body, lifted.id))
        return True


def add_scheduled(sql: Sql, entry: Scheduled, request_id: str) -> Scheduled:
    """Store it, or find what the same request id stored before."""
    with sql.writing():
        found = sql.query("SELECT id, body FROM schedule WHERE request_id = ?", (request_id,)) if request_id else []
        if found:
            return rows.read_rows(found, _read)[0]
        sql.run(
            "INSERT INTO schedule (id, environment, at, is_open, revision, request_id, body)"
            " VALUES (?, ?, ?, 1, ?, ?, ?)",
            (
                entry.id,
                entry.environment,
                rows.time_text(entry.at),
                entry.revision,
                request_id or None,
                rows.json_text(to_json(entry)),
            ),
        )
        return entry


def change_scheduled(sql: Sql, entry: Scheduled) -> Scheduled | None:
    """Store what became of it, one revision on; None where somebody else has changed it since `entry.revision`."""
    after = replace(entry, revision=entry.revision + 1)
    with sql.writing():
        known = sql.query("SELECT revision FROM schedule WHERE id = ?", (entry.id,))
        if not known or int(known[0][0]) != entry.revision:
            return None
        sql.run(
            "UPDATE schedule SET is_open = ?, revision = ?, body = ? WHERE id = ?",
            (int(after.status.is_open), after.revision, rows.json_text(to_json(after)), after.id),
        )
        return after


def scheduled(sql: Sql, since: datetime | None) -> tuple[Scheduled, ...]:
    """What is still to come or about to begin, and what was to begin since a moment, by time."""
    moment = rows.optional_time_text(since)
    also, parameters = (" OR at >= ?", (moment,)) if moment else ("", ())
    found = sql.query(f"SELECT id, body FROM schedule WHERE is_open = 1{also} ORDER BY at, id", parameters)  # noqa: S608
    return rows.read_rows(found, _read)


def _read(row: rows.Row) -> Scheduled:
    return from_json(Scheduled, json.loads(row[1]))
