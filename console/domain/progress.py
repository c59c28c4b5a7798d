"""What the fold keeps of a deployment: the state of each step, and the lines of its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from console.domain import events as ev
from console.domain.ids import Actor, ServiceName, StepId
from console.domain.plan import Step
from console.domain.statuses import StepStatus
from console.domain.verdict import Verdict


@dataclass(frozen=True)
class Operation:
    """What a platform was asked: our key, and its own reference once it answered."""

    key: str
    reference: str = ""
    intended_at: datetime | None = None


@dataclass(frozen=True)
class StepState:
    """Where one step stands.

    `settled` says of a failed one that what the platform was asked has ended; `asked` that a person is to decide on it.
    """

    step: Step
    status: StepStatus = StepStatus.PENDING
    attempts: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    detail: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    operation: Operation | None = None
    waiting_until: datetime | None = None
    retry_at: datetime | None = None
    settled: bool = False
    asked: bool = False

    @property
    def was_begun(self) -> bool:
        """Whether a platform may have been touched, so that a rollback must take it back."""
        if self.status is StepStatus.SKIPPED and self.operation is None:
            return False
        return self.started_at is not None and self.status is not StepStatus.UNDONE

    def duration(self, now: datetime) -> timedelta | None:
        return None if self.started_at is None else (self.ended_at or now) - self.started_at


@dataclass(frozen=True)
class TrafficRecord:
    at: datetime
    service: ServiceName
    weights: Mapping[str, int]


@dataclass(frozen=True)
class VerdictRecord:
    at: datetime
    step: StepId
    verdict: Verdict
    service: ServiceName | None = None


@dataclass(frozen=True)
class Rollback:
    trigger: ev.Trigger
    reason: str
    requested_by: Actor
    requested_at: datetime
    services: tuple[ServiceName, ...] = ()
    steps: tuple[StepId, ...] = ()
    traffic_restored_at: datetime | None = None
    ended_at: datetime | None = None
    restores_data: bool = False

    @property
    def traffic_restored_after(self) -> timedelta | None:
        return None if self.traffic_restored_at is None else self.traffic_restored_at - self.requested_at

    @property
    def duration(self) -> timedelta | None:
        return None if self.ended_at is None else self.ended_at - self.requested_at


@dataclass(frozen=True)
class ControlRecord:
    at: datetime
    actor: Actor
    control: ev.Control
    step: StepId | None
    reason: str
