"""The one interface through which screens and commands reach a worker.

`console.client.http` implements it over the socket; tests implement it in memory. Every call may raise a
`ConsoleError` that the worker sent (same class, same words) or `WorkerUnavailable`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from console.domain.deployment import Deployment
from console.domain.errors import ConsoleError
from console.domain.events import Control, Event
from console.domain.ids import Actor, DeploymentId, EnvironmentName, ServiceName, StepId
from console.domain.observations import ArmHealth, DeploymentSummary, EnvironmentStatus, LogLine, Measurement
from console.domain.plan import Plan, Wish
from console.domain.roles import Role


class WorkerUnavailable(ConsoleError):
    """No worker answers on the socket and none could be started."""

    transient = True


@dataclass(frozen=True)
class Identity:
    """Who the worker takes us for, by the kernel's word."""

    actor: Actor
    role: Role
    worker: str
    version: str
    home: str


@dataclass(frozen=True)
class WorkerStatus:
    """What a worker says of itself. `clients` counts open event streams; memory is bytes, `started_at` is UTC."""

    pid: int
    version: str
    worker: str
    started_at: datetime
    home: str
    socket: str
    engine: str
    clients: int = 0
    running: tuple[DeploymentId, ...] = ()
    memory: float = 0.0
    events: int = 0
    log_lines_dropped: int = 0


@dataclass(frozen=True)
class Submitted:
    """A deployment that was accepted. `again` says that the same request id had been seen before."""

    deployment: DeploymentId
    again: bool = False


@dataclass(frozen=True)
class ControlRequest:
    """What is asked of a deployment. `services` limits a rollback; `release` names where to go back to."""

    control: Control
    step: StepId | None = None
    reason: str = ""
    services: tuple[ServiceName, ...] = ()
    requested_at: datetime | None = None


@dataclass(frozen=True)
class LogQuery:
    """Which lines: of an environment or a deployment, by source, text (substring, case-insensitive) and time."""

    environment: EnvironmentName | None = None
    deployment: DeploymentId | None = None
    sources: tuple[str, ...] = ()
    text: str = ""
    level: str = ""
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 500


@dataclass(frozen=True)
class LogBatch:
    """Lines as they came; `dropped` counts those that could not be kept for this client."""

    lines: tuple[LogLine, ...] = ()
    dropped: int = 0


@dataclass(frozen=True)
class Pulse:
    """The live part that is not record: health and weights, sent when they change (at most twice a second)."""

    at: datetime
    environment: EnvironmentName
    health: tuple[ArmHealth, ...] = ()


@dataclass(frozen=True)
class HistoryQuery:
    environment: EnvironmentName | None = None
    status: str = ""
    limit: int = 50
    before: DeploymentId | None = None


@dataclass(frozen=True)
class RollbackPreview:
    """What `R` would do: the undos in order, how long they should take, and what cannot be taken back."""

    deployment: DeploymentId
    environment: EnvironmentName
    from_release: str
    to_release: str
    steps: tuple[str, ...] = ()
    forecast_s: float | None = None
    cannot: tuple[str, ...] = ()
    refusal: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


class Service(Protocol):
    """Everything a client may ask."""

    async def whoami(self) -> Identity: ...

    async def worker_status(self) -> WorkerStatus: ...

    async def stop_worker(self) -> None: ...

    async def environments(self, name: EnvironmentName | None = None) -> Sequence[EnvironmentStatus]:
        """All environments, or the one named. Raises UsageError for a name that is not configured."""
        ...

    async def preview(self, wish: Wish) -> Plan:
        """The plan as it would run now, with its refusals in it."""
        ...

    async def deploy(self, wish: Wish, request_id: str, digest: str = "") -> Submitted:
        """Start it. With `digest`, refused when the plan differs from the one previewed.

        Raises:
            PlanRejected: Every reason at once: who holds the lock, what is not configured, which checks fail.
        """
        ...

    async def control(self, deployment: DeploymentId, request: ControlRequest) -> None:
        """Returns once the wish is on disk and the deployment was woken. Raises Refused where it cannot apply."""
        ...

    async def preview_rollback(
        self, deployment: DeploymentId, services: tuple[ServiceName, ...] = ()
    ) -> RollbackPreview: ...

    async def deployment(self, deployment: str) -> Deployment:
        """By id, unique beginning or end of one, or `ENV` for the latest there. Raises UsageError when unknown."""
        ...

    async def events_of(self, deployment: DeploymentId) -> Sequence[Event]: ...

    async def history(self, query: HistoryQuery) -> Sequence[DeploymentSummary]: ...

    def events(self, after: int = 0) -> AsyncIterator[Event | Pulse]:
        """Every event with a higher number, then new ones as they are recorded; reconnects by itself without a gap."""
        ...

    async def health(self, environment: EnvironmentName) -> Sequence[ArmHealth]: ...

    async def metrics(
        self, environment: EnvironmentName, since: datetime, until: datetime
    ) -> Sequence[Measurement]: ...

    async def logs(self, query: LogQuery) -> LogBatch: ...

    def follow_logs(self, query: LogQuery) -> AsyncIterator[LogBatch]: ...

    async def report(self, deployment: DeploymentId, form: str) -> str:
        """The report as `md`, `html` or `json` text."""
        ...
