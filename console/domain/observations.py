"""What is seen of a running product, as clients receive it. Nothing here is part of a deployment's record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from console.domain.freeze import FreezeSpan
from console.domain.hold import Hold
from console.domain.ids import Actor, DeploymentId, EnvironmentName, ServiceName
from console.domain.maintenance import OpenPage
from console.domain.schedule import Scheduled
from console.domain.statuses import DeploymentStatus


class Health(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class ArmHealth:
    """One arm of one service over the last window.

    `error_rate` is 0..1, latencies are milliseconds, `request_rate` is requests a second, `cpu` is 0..1 of a core,
    `memory` is bytes. None means nobody measured it.
    """

    service: ServiceName
    arm: str
    health: Health
    reason: str = ""
    release: str = ""
    weight: int | None = None
    weight_set: int | None = None
    requests: int | None = None
    request_rate: float | None = None
    error_rate: float | None = None
    latency_p50: float | None = None
    latency_p95: float | None = None
    cpu: float | None = None
    memory: float | None = None
    instances: int | None = None
    measured_at: datetime | None = None


@dataclass(frozen=True)
class MetricCheck:
    """A metric of the configuration, measured once of the arm that serves. `problem` is empty where that went well."""

    environment: EnvironmentName
    service: ServiceName
    metric: str
    arm: str
    value: float | None = None
    words: str = ""
    problem: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Lock:
    """Who holds an environment, since when and why."""

    environment: EnvironmentName
    deployment: DeploymentId
    holder: Actor
    since: datetime
    reason: str = ""
    worker: str = ""


@dataclass(frozen=True)
class DeploymentSummary:
    """One line of a history."""

    id: DeploymentId
    environment: EnvironmentName
    strategy: str
    release: str
    status: DeploymentStatus
    requested_by: Actor
    requested_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    progress: float = 0.0
    detail: str = ""
    review: str = ""
    """Of an emergency: `open`, `closing` (the source still shows it as open) or `closed`."""


@dataclass(frozen=True)
class ServiceStatus:
    name: ServiceName
    provider: str
    release: str = ""
    health: Health = Health.UNKNOWN
    reason: str = ""
    weights: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class BackupStatus:
    """How well one database would come back. What came after `verified_at` would be lost.

    Attributes:
        verified_at: The moment of the newest backup that was restored for proof; None where there is none.
        rto_s: Seconds that the last successful proof took; None where there was none.
        problem: Why somebody should look: damaged, late, or none at all where some are wanted.
    """

    service: ServiceName
    verified_at: datetime | None = None
    rto_s: float | None = None
    problem: str = ""


class Confirmation(StrEnum):
    """What a person gives before anything goes forward."""

    NAME = "name"
    """The environment's name, typed."""
    YES = "yes"
    NONE = "none"


@dataclass(frozen=True)
class EnvironmentStatus:
    """What is live in an environment, how it feels, and what moves in it. `pages` are up by our record."""

    name: EnvironmentName
    tier: str
    health: Health = Health.UNKNOWN
    release: str = ""
    services: tuple[ServiceStatus, ...] = ()
    deployment: DeploymentSummary | None = None
    lock: Lock | None = None
    hold: Hold | None = None
    pages: tuple[OpenPage, ...] = ()
    reviews: tuple[DeploymentId, ...] = ()
    """Emergencies that nobody has reviewed yet, oldest first."""
    freezes: tuple[FreezeSpan, ...] = ()
    """Those that hold and those to come soon, by their begin."""
    scheduled: tuple[Scheduled, ...] = ()
    """Deployments to come, the next first; then those of the last day that should have begun and did not."""
    backups: tuple[BackupStatus, ...] = ()
    """Of its databases that have backups, or are to have some."""
    confirmation: Confirmation = Confirmation.NAME
    """What its people are asked for before a deployment."""
