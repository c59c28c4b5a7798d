"""The record of everything that happened, as the engine and the API see it.

Two implementations obey it: one file on this host (`sqlite_ledger`), and a Postgres database that several hosts share
(`postgres_ledger`). A third, in memory, keeps deployments alone (`memory_ledger`). An event is committed and numbered
first and announced second; a subscriber that missed the announcement finds the event by its number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from console.domain.audit import AuditEntry
from console.domain.errors import Refused
from console.domain.events import Control, Event
from console.domain.freeze import Freeze
from console.domain.ids import Actor, DeploymentId, EnvironmentName, ServiceName, StepId
from console.domain.observations import DeploymentSummary, Lock
from console.domain.schedule import Scheduled
from console.domain.telemetry import Measurement


@dataclass(frozen=True)
class Opened:
    """A deployment that is on record. `again` says that its request id had been seen before."""

    deployment: DeploymentId
    again: bool = False


@dataclass(frozen=True)
class ControlRow:
    """One wish of a person about a deployment. `id` rises over all deployments; 0 means not stored yet."""

    id: int
    deployment: DeploymentId
    control: Control
    actor: Actor
    at: datetime
    step: StepId | None = None
    reason: str = ""
    services: tuple[ServiceName, ...] = ()
    request_id: str = ""


@dataclass(frozen=True)
class Wake:
    """Told after a commit. `seq` is the event's number, or the control's id; `calendar` is of no deployment."""

    kind: Literal["event", "control", "calendar"]
    deployment: DeploymentId
    seq: int


CALENDAR = Wake("calendar", DeploymentId(""), 0)
"""Freezes or the schedule have changed."""


def locked(lock: Lock) -> Refused:
    """Say who holds an environment, since when and why, and what may be done about it."""
    because = f" ({lock.reason})" if lock.reason else ""
    return Refused(
        f"{lock.environment} is locked by {lock.holder} since {lock.since:%Y-%m-%d %H:%M:%S} UTC{because}.",
        f"deployment {lock.deployment}",
        f"Wait for it (`quarterdeck show {lock.deployment}`), or stop it with `quarterdeck abort {lock.deployment}`.",
    )


class SummaryQuery(Protocol):
    """Which lines of the history; `console.client.service.HistoryQuery` has this shape."""

    @property
    def environment(self) -> EnvironmentName | None: ...

    @property
    def status(self) -> str: ...

    @property
    def limit(self) -> int: ...

    @property
    def before(self) -> DeploymentId | None: ...


class CalendarLedger(Protocol):
    """Freezes and deployments to come, and the audit of who asked for them."""

    async def add_freeze(self, freeze: Freeze) -> None:
        """Durable when this returns; then subscribers are woken."""
        ...

    async def lift_freeze(self, lifted: Freeze) -> bool:
        """Record it as lifted; False where somebody lifted it before."""
        ...

    async def freezes(self, after: datetime) -> tuple[Freeze, ...]:
        """Those that nobody lifted and that end later than a moment, by their begin."""
        ...

    async def add_scheduled(self, entry: Scheduled, request_id: str = "") -> Scheduled:
        """Store a deployment to come, or find what the same request id stored before; then subscribers are woken."""
        ...

    async def change_scheduled(self, entry: Scheduled) -> Scheduled | None:
        """Store what became of it; None, and nothing stored, where it was changed since `entry.revision`."""
        ...

    async def scheduled(self, since: datetime | None = None) -> tuple[Scheduled, ...]:
        """What is still to begin, and what was to begin since a moment, by time."""
        ...

    async def record_audit(self, entry: AuditEntry) -> None: ...


class DeploymentLedger(CalendarLedger, Protocol):
    """Deployments on record, who holds which environment, and wishes about both: all that an engine works on."""

    async def open_deployment(self, event: Event, lock: Lock) -> Opened:
        """Record a `DeploymentRequested` and take its environment's lock, in one transaction.

        A request id that was seen before yields the deployment it began, with `again` set, and writes nothing.

        Raises:
            Refused: The environment is locked; names the holder, since when, the reason and what to do.
        """
        ...

    async def find_request(self, request_id: str) -> DeploymentId | None:
        """The deployment that a request id began, if any."""
        ...

    async def append(
        self,
        *events: Event,
        unlock: EnvironmentName | None = None,
        once: str = "",
        answers: int | None = None,
        lock: Lock | None = None,
    ) -> tuple[Event, ...]:
        """Commit events, number them, then announce them; all or none.

        Args:
            events: Of one deployment, or of several, in the order in which they happened.
            unlock: Free this environment in the same transaction, if the events' deployment holds it.
            once: A natural key; a second append with the same key writes nothing and returns ().
            answers: A wish that these events answer; it counts as taken from here on.
            lock: Take this lock again in the same transaction, for a deployment that gave it back.

        Raises:
            Refused: Another deployment holds the lock.
        """
        ...

    async def events_of(self, deployment: DeploymentId) -> tuple[Event, ...]:
        """All events of one deployment, oldest first; () when unknown."""
        ...

    async def events_after(self, seq: int, limit: int = 500) -> tuple[Event, ...]:
        """Events of all deployments with a higher number, lowest first."""
        ...

    async def last_seq(self) -> int:
        """The highest number given so far, 0 for none."""
        ...

    async def locks(self) -> tuple[Lock, ...]: ...

    async def add_control(self, row: ControlRow) -> int:
        """Store a wish and return its id; it is durable when this returns, and then subscribers are woken.

        The same `request_id` again returns the first id and stores nothing.
        """
        ...

    async def pending_controls(self, deployment: DeploymentId) -> tuple[ControlRow, ...]:
        """Wishes nobody has taken yet, oldest first."""
        ...

    async def summaries(self, query: SummaryQuery) -> tuple[DeploymentSummary, ...]:
        """Lines of the history, newest first."""
        ...

    async def find_deployments(self, text: str) -> tuple[DeploymentId, ...]:
        """By id, by the beginning or end of one, or by environment; newest first."""
        ...

    async def unfinished(self) -> tuple[DeploymentId, ...]:
        """Deployments that have not ended, oldest first."""
        ...

    def subscribe(self, callback: Callable[[Wake], None]) -> Callable[[], None]:
        """Be called on the event loop after each commit; the result ends it. The callback must not block or raise."""
        ...


class Ledger(DeploymentLedger, Protocol):
    """Everything that is kept about deployments. Any call may raise a `StoreError` that says what to do."""

    async def open(self) -> None:
        """Open it, creating or upgrading what is missing.

        Raises:
            StoreTooNew: A newer version wrote it; nothing was touched.
            StoreDamaged: It is not a database, or fails its own check.
        """
        ...

    async def close(self) -> None: ...

    async def salt(self) -> bytes:
        """What digests of secrets are made with: random, made once, the same for every worker of this history."""
        ...

    async def unfinished_reviews(self) -> tuple[DeploymentSummary, ...]:
        """Emergencies whose review is open, or closed while the source still shows it as open; oldest first."""
        ...

    async def add_measurements(self, items: Sequence[Measurement]) -> None: ...

    async def measurements(
        self, environment: EnvironmentName, since: datetime, until: datetime, names: Sequence[str] = ()
    ) -> tuple[Measurement, ...]:
        """Figures within [since, until], oldest first; all names when none is given."""
        ...

    async def audit(
        self, since: datetime | None = None, until: datetime | None = None, actor: str = "", limit: int = 500
    ) -> tuple[AuditEntry, ...]:
        """Audit rows within [since, until], newest first."""
        ...

    async def forget_deployments(self, keep: int) -> tuple[DeploymentId, ...]:
        """Delete all but the newest `keep` deployments, whole, and return their ids.

        One that has not ended or been reviewed stays, and so does the newest of each environment.
        """
        ...

    async def forget_measurements(self, before: datetime) -> int:
        """Delete older figures; returns how many."""
        ...
