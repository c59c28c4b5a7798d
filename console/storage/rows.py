"""Rows to values and back. Times are UTC text of one fixed width, so that text order is time order."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from console.domain.audit import AuditEntry
from console.domain.deployment import DeploymentStatus
from console.domain.errors import StoreDamaged
from console.domain.events import Control, Event, payload_from_json, payload_to_json
from console.domain.ids import Actor, DeploymentId, EnvironmentName, ServiceName, StepId
from console.domain.observations import DeploymentSummary, Lock
from console.domain.telemetry import Measurement
from console.storage.ledger import ControlRow

Row = Sequence[Any]
T = TypeVar("T")

EVENT_COLUMNS = "seq, deployment, type, at, actor, payload"
SUMMARY_COLUMNS = (
    "id, environment, strategy, release, status, requested_by, requested_at, started_at, ended_at, progress, detail,"
    " review"
)
LOCK_COLUMNS = "environment, deployment, holder, since, reason, worker"
CONTROL_COLUMNS = "id, deployment, control, actor, at, step, reason, services, request_id"
AUDIT_COLUMNS = "id, at, actor, action, subject, outcome, detail"
MEASUREMENT_COLUMNS = "at, environment, name, value, labels"


def time_text(moment: datetime) -> str:
    """Write a moment as `2026-11-22T06:16:03.000000Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def optional_time_text(moment: datetime | None) -> str | None:
    return None if moment is None else time_text(moment)


def time_of(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def json_text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def read_rows(rows: Sequence[Row], read: Callable[[Row], T]) -> tuple[T, ...]:
    """Decode rows.

    Raises:
        StoreDamaged: A row does not have the shape it was written with; names its first column.
    """
    values = []
    for row in rows:
        try:
            values.append(read(row))
        except (ValueError, KeyError, TypeError) as problem:
            raise StoreDamaged(
                f"A record of the history cannot be read: {problem}",
                f"record {row[0]}",
                "Restore history.db from a backup, or move it away to begin a new history.",
            ) from problem
    return tuple(values)


def event_row(event: Event) -> tuple[Any, ...]:
    payload = json_text(payload_to_json(event.payload))
    return (event.seq, event.deployment, event.type, time_text(event.at), event.actor, payload)


def read_event(row: Row) -> Event:
    seq, deployment, type_name, at, actor, payload = row
    return Event(
        deployment=DeploymentId(deployment),
        at=time_of(at),
        payload=payload_from_json(type_name, json.loads(payload)),
        actor=Actor(actor),
        seq=int(seq),
    )


def read_summary(row: Row) -> DeploymentSummary:
    (id_, environment, strategy, release, status, by, requested_at, started, ended, progress, detail, review) = row
    return DeploymentSummary(
        id=DeploymentId(id_),
        environment=EnvironmentName(environment),
        strategy=strategy,
        release=release,
        status=DeploymentStatus(status),
        requested_by=Actor(by),
        requested_at=time_of(requested_at),
        started_at=time_of(started) if started else None,
        ended_at=time_of(ended) if ended else None,
        progress=float(progress),
        detail=detail,
        review=review,
    )


def lock_row(lock: Lock) -> tuple[Any, ...]:
    return (lock.environment, lock.deployment, lock.holder, time_text(lock.since), lock.reason, lock.worker)


def read_lock(row: Row) -> Lock:
    environment, deployment, holder, since, reason, worker = row
    return Lock(EnvironmentName(environment), DeploymentId(deployment), Actor(holder), time_of(since), reason, worker)


def control_row(row: ControlRow) -> tuple[Any, ...]:
    return (
        row.id,
        row.deployment,
        row.control.value,
        row.actor,
        time_text(row.at),
        row.step,
        row.reason,
        json_text(list(row.services)),
        row.request_id or None,
    )


def read_control(row: Row) -> ControlRow:
    id_, deployment, control, actor, at, step, reason, services, request_id = row
    return ControlRow(
        id=int(id_),
        deployment=DeploymentId(deployment),
        control=Control(control),
        actor=Actor(actor),
        at=time_of(at),
        step=StepId(step) if step else None,
        reason=reason,
        services=tuple(ServiceName(name) for name in json.loads(services)),
        request_id=request_id or "",
    )


def audit_row(entry: AuditEntry) -> tuple[Any, ...]:
    detail = json_text(dict(entry.detail))
    return (time_text(entry.at), entry.actor, entry.action, entry.subject, entry.outcome, detail)


def read_audit(row: Row) -> AuditEntry:
    id_, at, actor, action, subject, outcome, detail = row
    return AuditEntry(time_of(at), Actor(actor), action, subject, outcome, json.loads(detail), int(id_))


def measurement_row(item: Measurement) -> tuple[Any, ...]:
    return (item.at.timestamp(), item.environment, item.name, item.value, json_text(dict(item.labels)))


def read_measurement(row: Row) -> Measurement:
    at, environment, name, value, labels = row
    return Measurement(
        datetime.fromtimestamp(at, UTC), EnvironmentName(environment), name, float(value), json.loads(labels)
    )
