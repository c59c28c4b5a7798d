"""The one interface through which screens and commands reach a worker.

`console.client.http` implements it over the socket; tests implement it in memory. Every call may raise a
`ConsoleError` that the worker sent (same class, same words) or `WorkerUnavailable`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from console.domain.audit import AuditCheck, AuditEntry
from console.domain.backups import BackupList
from console.domain.delivery import Delivery
from console.domain.deployment import Deployment
from console.domain.errors import ConsoleError
from console.domain.events import Event
from console.domain.exchange import (
    ControlRequest,
    DeskAnswer,
    DeskChange,
    DeskOperation,
    DeskQuestion,
    DeskWish,
    Finding,
    HistoryQuery,
    Identity,
    KeptFile,
    LogBatch,
    LogQuery,
    OpenReview,
    ProviderAbout,
    Pulse,
    ReviewRequest,
    RollbackPreview,
    ScheduleRequest,
    Submitted,
    WorkerStatus,
)
from console.domain.freeze import Freeze, FreezeSpan, FreezeWish
from console.domain.ids import DeploymentId, EnvironmentName, ServiceName
from console.domain.observations import ArmHealth, DeploymentSummary, EnvironmentStatus, MetricCheck
from console.domain.plan import Plan, Wish
from console.domain.schedule import Scheduled
from console.domain.secrets import SecretReport
from console.domain.telemetry import Measurement
from console.domain.variables import VariableReport

__all__ = [
    "ControlRequest",
    "DeskAnswer",
    "DeskChange",
    "DeskOperation",
    "DeskQuestion",
    "DeskWish",
    "Finding",
    "HistoryQuery",
    "Identity",
    "KeptFile",
    "LogBatch",
    "LogQuery",
    "OpenReview",
    "ProviderAbout",
    "Pulse",
    "ReviewRequest",
    "RollbackPreview",
    "ScheduleRequest",
    "Service",
    "Submitted",
    "WorkerStatus",
    "WorkerUnavailable",
]


class WorkerUnavailable(ConsoleError):
    """No worker answers on the socket and none could be started."""

    transient = True


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

    async def review(self, deployment: DeploymentId, request: ReviewRequest) -> None:
        """Close an emergency's review. Raises Refused for who asked for it, or while it still goes on."""
        ...

    async def reviews(self, environment: EnvironmentName | None = None) -> Sequence[OpenReview]:
        """Emergencies that nobody has reviewed yet, oldest first."""
        ...

    async def freezes(self, environment: EnvironmentName | None = None) -> Sequence[FreezeSpan]:
        """Freezes that hold and those to come, by begin."""
        ...

    async def add_freeze(self, wish: FreezeWish) -> Freeze:
        """Let nothing go forward for a time. Raises Refused for who may not, UsageError for times that cannot be."""
        ...

    async def lift_freeze(self, freeze: str, reason: str = "") -> Freeze:
        """End one that was added by hand: by id, a unique end of it, or its environment."""
        ...

    async def schedule(self, environment: EnvironmentName | None = None, *, days: int = 0) -> Sequence[Scheduled]:
        """Deployments to come, by time; with `days` also what became of those of so many days before."""
        ...

    async def add_scheduled(self, request: ScheduleRequest) -> Scheduled:
        """Have a deployment begin at `wish.at`; what it names is fixed now.

        Raises:
            PlanRejected: Every reason at once, as of that moment; or the plan is not the one previewed.
        """
        ...

    async def cancel_scheduled(self, entry: str, reason: str = "") -> Scheduled:
        """Take one off the schedule. Raises Refused where it begins just now."""
        ...

    async def audit(
        self, since: datetime | None = None, until: datetime | None = None, limit: int = 500
    ) -> Sequence[AuditEntry]:
        """Who asked for what, and how it ended; newest first."""
        ...

    async def verify_audit(self) -> AuditCheck:
        """Whether the record holds together; reads all of it."""
        ...

    async def delivery(
        self,
        environment: EnvironmentName | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Sequence[Delivery]:
        """The figures of DORA of one environment or all; of the last thirty days unless said otherwise."""
        ...

    async def preview_rollback(
        self,
        deployment: DeploymentId,
        services: tuple[ServiceName, ...] = (),
        *,
        asks: bool = True,
        restores: bool = False,
    ) -> RollbackPreview:
        """What a rollback would do; without `asks` from the record alone, at once, whatever platforms do.

        With `restores`, as one that puts databases back to their backups where nothing else takes them back.
        """
        ...

    async def backups(self, environment: EnvironmentName | None = None) -> BackupList:
        """Backups of the databases of one environment or all, and how well each would come back."""
        ...

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

    async def check_metrics(self, environment: EnvironmentName) -> Sequence[MetricCheck]:
        """Every configured metric, measured once of the arm that serves."""
        ...

    async def logs(self, query: LogQuery) -> LogBatch: ...

    def follow_logs(self, query: LogQuery) -> AsyncIterator[LogBatch]: ...

    async def report(self, deployment: DeploymentId, form: str) -> str:
        """The report as `md`, `html` or `json` text."""
        ...

    async def providers(self, name: str = "") -> Sequence[ProviderAbout]:
        """What every provider can do, or the one named. Raises UsageError for a name that is not configured."""
        ...

    async def examine(self, providers: tuple[str, ...] = ()) -> Sequence[Finding]:
        """Token, scopes, capabilities, clock, limits and status page of every provider, or of those named."""
        ...

    async def ask(self, provider: str, reading: str, question: DeskQuestion) -> DeskAnswer:
        """Ask a platform something of its desk. Raises UsageError with every argument that does not fit."""
        ...

    async def act(self, provider: str, action: str, wish: DeskWish) -> DeskOperation:
        """Begin a change by hand. Its key is on disk before the platform is asked; the request id is its name.

        Raises:
            Refused: The role does not suffice, or it destroys something and nobody said yes.
        """
        ...

    async def send_file(self, path: Path) -> KeptFile:
        """Give the worker a file for a change by hand, where it must not open its path: who is not its own user.

        Raises:
            UsageError: The file cannot be read here, or is too large.
        """
        ...

    async def operations(self, limit: int = 50) -> Sequence[DeskChange]:
        """Changes made by hand in the last thirty days: unfinished ones, then the others, the newest first."""
        ...

    async def operation(self, request_id: str) -> DeskOperation:
        """How a change by hand stands; the worker observes it to its end."""
        ...

    async def variables(
        self, environment: EnvironmentName, other: EnvironmentName | None = None, services: tuple[ServiceName, ...] = ()
    ) -> VariableReport:
        """Variables as set, against what is wanted and what is live, or against another environment; digests only."""
        ...

    async def secrets(self, max_age_days: int) -> SecretReport:
        """Where secrets are kept and used, how old they are, and what is wrong with them."""
        ...
