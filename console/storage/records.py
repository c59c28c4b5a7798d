"""Events, the lines folded from them, locks and controls, in SQL that SQLite and Postgres both read.

Every function runs inside the store's own thread. Writers run inside one transaction that excludes all other writers,
so a look followed by a write is safe, and numbers are given in the order in which they are committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Protocol

from console.domain.deployment import Deployment, begin, fold
from console.domain.errors import StoreError
from console.domain.events import DeploymentRequested, Event
from console.domain.ids import DeploymentId, EnvironmentName
from console.domain.observations import DeploymentSummary, Lock
from console.storage import rows
from console.storage.ledger import ControlRow, Opened, SummaryQuery, locked
from console.storage.projection import summarise


class Sql(Protocol):
    """A database as the records see it: placeholders are `?`."""

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]: ...

    def run(self, sql: str, parameters: Sequence[object] = ()) -> None: ...

    def run_many(self, sql: str, parameters: Sequence[Sequence[object]]) -> None: ...

    def writing(self) -> AbstractContextManager[None]:
        """A transaction that no other writer overlaps; committed at the end, undone by an exception."""
        ...


class Folds:
    """Deployments as of their last stored event, so that an append folds one event instead of all of them."""

    def __init__(self) -> None:
        self._known: dict[DeploymentId, Deployment] = {}

    def before(self, sql: Sql, deployment: DeploymentId) -> Deployment | None:
        """The deployment as it is on record; another process may have written since we looked."""
        found = sql.query("SELECT last_seq FROM deployments WHERE id = ?", (deployment,))
        known = self._known.get(deployment)
        if known is not None and found and found[0][0] == known.seq:
            return known
        return fold(events_of(sql, deployment))

    def keep(self, deployments: Sequence[Deployment]) -> None:
        for deployment in deployments:
            if deployment.is_terminal:
                self._known.pop(deployment.id, None)
            else:
                self._known[deployment.id] = deployment


def open_deployment(sql: Sql, folds: Folds, event: Event, lock: Lock) -> tuple[Opened, tuple[Event, ...]]:
    request = event.payload
    if not isinstance(request, DeploymentRequested):
        raise StoreError("A deployment opens with a request.", f"event {event.type}", "This is a fault of Quarterdeck.")
    with sql.writing():
        seen = find_request(sql, request.request_id) if request.request_id else None
        if seen is not None:
            return Opened(seen, again=True), ()
        _take_lock(sql, lock)
        stored, after = _store(sql, folds, (event,))
    folds.keep(after)
    return Opened(event.deployment), stored


def find_request(sql: Sql, request_id: str) -> DeploymentId | None:
    rows = sql.query("SELECT id FROM deployments WHERE request_id = ?", (request_id,))
    return DeploymentId(rows[0][0]) if rows else None


def append(
    sql: Sql,
    folds: Folds,
    events: Sequence[Event],
    unlock: EnvironmentName | None,
    once: str,
    answers: int | None,
    lock: Lock | None,
) -> tuple[Event, ...]:
    with sql.writing():
        if answers is not None:
            sql.run("UPDATE controls SET taken = 1 WHERE id = ?", (answers,))
        if once and sql.query("SELECT seq FROM events WHERE once = ?", (once,)):
            return ()
        if lock is not None:
            _take_lock(sql, lock)
        stored, after = _store(sql, folds, events, once)
        if unlock is not None:
            holders = sorted({event.deployment for event in events})
            marks = ", ".join("?" * len(holders))
            sql.run(f"DELETE FROM locks WHERE environment = ? AND deployment IN ({marks})", (unlock, *holders))  # noqa: S608
    folds.keep(after)
    return stored


def copy_events(sql: Sql, folds: Folds, events: Sequence[Event]) -> None:
    """Store events that another store numbered, and their lines; those already here are left alone."""
    with sql.writing():
        last = last_seq(sql)
        fresh = [event for event in events if event.seq > last]
        after = _write(sql, folds, fresh)
        if fresh:
            sql.run("UPDATE numbers SET value = ? WHERE name = 'event'", (fresh[-1].seq,))
    folds.keep(after)


def _store(
    sql: Sql, folds: Folds, events: Sequence[Event], once: str = ""
) -> tuple[tuple[Event, ...], tuple[Deployment, ...]]:
    last = next_number(sql, "event", len(events))
    first = last - len(events) + 1
    numbered = tuple(replace(event, seq=first + index) for index, event in enumerate(events))
    return numbered, _write(sql, folds, numbered, once)


def _write(sql: Sql, folds: Folds, events: Sequence[Event], once: str = "") -> tuple[Deployment, ...]:
    after: dict[DeploymentId, Deployment] = {}
    for event in events:
        known = after.get(event.deployment) or folds.before(sql, event.deployment)
        after[event.deployment] = begin(event) if known is None else known.apply(event)
    keys = [once or None, *[None] * len(events)]
    sql.run_many(
        "INSERT INTO events (seq, deployment, type, at, actor, payload, once) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(*rows.event_row(event), key) for event, key in zip(events, keys, strict=False)],
    )
    opened = {event.deployment: event.seq for event in events if isinstance(event.payload, DeploymentRequested)}
    for deployment in after.values():
        _write_line(sql, deployment, opened.get(deployment.id))
    return tuple(after.values())


def _write_line(sql: Sql, deployment: Deployment, opened_seq: int | None) -> None:
    line = summarise(deployment)
    if opened_seq is not None:
        sql.run(
            "INSERT INTO deployments (id, environment, strategy, release, status, requested_by, requested_at,"
            " progress, detail, request_id, finished, opened_seq, last_seq)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                line.id,
                line.environment,
                line.strategy,
                line.release,
                line.status.value,
                line.requested_by,
                rows.time_text(line.requested_at),
                0.0,
                "",
                deployment.request_id or None,
                0,
                opened_seq,
                opened_seq,
            ),
        )
    sql.run(
        "UPDATE deployments SET status = ?, started_at = ?, ended_at = ?, progress = ?, detail = ?, finished = ?,"
        " last_seq = ?, review = ? WHERE id = ?",
        (
            line.status.value,
            rows.optional_time_text(line.started_at),
            rows.optional_time_text(line.ended_at),
            line.progress,
            line.detail,
            int(deployment.is_terminal),
            deployment.seq,
            line.review,
            line.id,
        ),
    )


def salt(sql: Sql, fresh: str) -> str:
    """The salt of this history's digests; `fresh` becomes it where there is none yet."""
    with sql.writing():
        found = sql.query("SELECT value FROM meta WHERE name = 'salt'")
        if not found:
            sql.run("INSERT INTO meta VALUES ('salt', ?)", (fresh,))
        return str(found[0][0]) if found else fresh


def next_number(sql: Sql, name: str, count: int = 1) -> int:
    """Reserve `count` numbers and return the last. Numbers are never given twice, also after pruning."""
    sql.run("UPDATE numbers SET value = value + ? WHERE name = ?", (count, name))
    return int(sql.query("SELECT value FROM numbers WHERE name = ?", (name,))[0][0])


def last_seq(sql: Sql) -> int:
    return int(sql.query("SELECT value FROM numbers WHERE name = 'event'")[0][0])


def events_of(sql: Sql, deployment: DeploymentId) -> tuple[Event, ...]:
    found = sql.query(
        f"SELECT {rows.EVENT_COLUMNS} FROM events WHERE deployment = ? ORDER BY seq",  # noqa: S608
        (deployment,),
    )
    return rows.read_rows(found, rows.read_event)


def events_after(sql: Sql, seq: int, limit: int) -> tuple[Event, ...]:
    found = sql.query(
        f"SELECT {rows.EVENT_COLUMNS} FROM events WHERE seq > ? ORDER BY seq LIMIT ?",  # noqa: S608
        (seq, limit),
    )
    return rows.read_rows(found, rows.read_event)


def locks(sql: Sql) -> tuple[Lock, ...]:
    found = sql.query(f"SELECT {rows.LOCK_COLUMNS} FROM locks ORDER BY environment")  # noqa: S608
    return rows.read_rows(found, rows.read_lock)


def _take_lock(sql: Sql, lock: Lock) -> None:
    held = sql.query(f"SELECT {rows.LOCK_COLUMNS} FROM locks WHERE environment = ?", (lock.environment,))  # noqa: S608
    if held:
        holder = rows.read_lock(held[0])
        if holder.deployment != lock.deployment:
            raise locked(holder)
        return
    sql.run("INSERT INTO locks VALUES (?, ?, ?, ?, ?, ?)", rows.lock_row(lock))


def add_control(sql: Sql, row: ControlRow) -> tuple[int, bool]:
    """Store a wish; returns its id and whether it is new."""
    with sql.writing():
        if row.request_id:
            seen = sql.query("SELECT id FROM controls WHERE request_id = ?", (row.request_id,))
            if seen:
                return int(seen[0][0]), False
        number = next_number(sql, "control")
        sql.run(
            f"INSERT INTO controls ({rows.CONTROL_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            rows.control_row(replace(row, id=number)),
        )
        return number, True


def pending_controls(sql: Sql, deployment: DeploymentId) -> tuple[ControlRow, ...]:
    found = sql.query(
        f"SELECT {rows.CONTROL_COLUMNS} FROM controls WHERE deployment = ? AND taken = 0 ORDER BY id",  # noqa: S608
        (deployment,),
    )
    return rows.read_rows(found, rows.read_control)


def summaries(sql: Sql, query: SummaryQuery) -> tuple[DeploymentSummary, ...]:
    conditions, parameters = ["1 = 1"], list[object]()
    if query.environment:
        conditions.append("environment = ?")
        parameters.append(query.environment)
    if query.status:
        conditions.append("status = ?")
        parameters.append(query.status)
    if query.before:
        conditions.append("opened_seq < (SELECT opened_seq FROM deployments WHERE id = ?)")
        parameters.append(query.before)
    found = sql.query(
        f"SELECT {rows.SUMMARY_COLUMNS} FROM deployments WHERE {' AND '.join(conditions)}"  # noqa: S608
        " ORDER BY opened_seq DESC LIMIT ?",
        (*parameters, query.limit),
    )
    return rows.read_rows(found, rows.read_summary)


def unfinished_reviews(sql: Sql) -> tuple[DeploymentSummary, ...]:
    found = sql.query(
        f"SELECT {rows.SUMMARY_COLUMNS} FROM deployments WHERE review IN ('open', 'closing') ORDER BY opened_seq"  # noqa: S608
    )
    return rows.read_rows(found, rows.read_summary)


def find_deployments(sql: Sql, text: str) -> tuple[DeploymentId, ...]:
    pattern = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    for condition, parameters in (
        ("id = ?", (text,)),
        ("environment = ?", (text,)),
        ("id LIKE ? ESCAPE '\\' OR id LIKE ? ESCAPE '\\'", (f"{pattern}%", f"%{pattern}")),
    ):
        found = sql.query(
            f"SELECT id FROM deployments WHERE {condition} ORDER BY opened_seq DESC",  # noqa: S608
            parameters,
        )
        if found:
            return tuple(DeploymentId(row[0]) for row in found)
    return ()


def unfinished(sql: Sql) -> tuple[DeploymentId, ...]:
    found = sql.query("SELECT id FROM deployments WHERE finished = 0 ORDER BY opened_seq")
    return tuple(DeploymentId(row[0]) for row in found)


def forget_deployments(sql: Sql, keep: int) -> tuple[DeploymentId, ...]:
    with sql.writing():
        found = sql.query(
            "SELECT id FROM (SELECT id, finished, row_number() OVER (ORDER BY opened_seq DESC) AS place, review,"
            " row_number() OVER (PARTITION BY environment ORDER BY opened_seq DESC) AS place_there"
            " FROM deployments) AS placed"
            " WHERE place > ? AND place_there > 1 AND finished = 1 AND review NOT IN ('open', 'closing')"
            " AND id NOT IN (SELECT deployment FROM locks)",
            (keep,),
        )
        for table, column in (("events", "deployment"), ("controls", "deployment"), ("deployments", "id")):
            sql.run_many(f"DELETE FROM {table} WHERE {column} = ?", found)  # noqa: S608
        return tuple(DeploymentId(row[0]) for row in found)
