"""What a client and a worker say to each other, besides the domain's own values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from console.domain.emergency import Emergency
from console.domain.events import Control
from console.domain.ids import Actor, DeploymentId, EnvironmentName, ServiceName, StepId
from console.domain.observations import ArmHealth
from console.domain.plan import Wish
from console.domain.roles import Role
from console.domain.statuses import DeploymentStatus
from console.domain.telemetry import LogLine


@dataclass(frozen=True)
class Identity:
    """Who the worker takes us for, by the kernel's word."""

    actor: Actor
    role: Role
    worker: str
    version: str
    home: str
    owns_worker: bool = False
    """The worker's own user or root: paths that they name are opened with rights that they have."""
    rights: tuple[str, ...] = ()
    """What they may do beyond their role: `emergency`."""


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
class ReviewRequest:
    """What somebody found who looked at an emergency deployment."""

    comment: str


@dataclass(frozen=True)
class ScheduleRequest:
    """A deployment that is to begin at `wish.at`, as in a request to deploy."""

    wish: Wish
    request_id: str = ""
    digest: str = ""


@dataclass(frozen=True)
class ReasonRequest:
    """Why something is ended: a freeze lifted, a deployment to come cancelled."""

    reason: str = ""


@dataclass(frozen=True)
class OpenReview:
    """An emergency deployment that nobody else has looked at yet."""

    deployment: DeploymentId
    environment: EnvironmentName
    release: str
    status: DeploymentStatus
    emergency: Emergency


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
    """The live part that is not record: health and weights, sent when they change (at most twice a second).

    With `calendar`, freezes or the schedule have changed: ask for the environments again. It says nothing of health.
    """

    at: datetime
    environment: EnvironmentName
    health: tuple[ArmHealth, ...] = ()
    calendar: bool = False


@dataclass(frozen=True)
class HistoryQuery:
    environment: EnvironmentName | None = None
    status: str = ""
    limit: int = 50
    before: DeploymentId | None = None


@dataclass(frozen=True)
class RollbackPreview:
    """What `R` would do: the undos in order, how long they should take, and what cannot be taken back.

    `services` are those that go back when not all do: those named, and what is halfway. `asked` says whether the
    platforms were asked what stands in the way now; without it everything is from the record. `restores` are the
    backups that databases would go back to, `restorable` those that they could, should somebody say so.
    """

    deployment: DeploymentId
    environment: EnvironmentName
    from_release: str
    to_release: str
    steps: tuple[str, ...] = ()
    forecast_s: float | None = None
    cannot: tuple[str, ...] = ()
    refusal: str = ""
    services: tuple[ServiceName, ...] = ()
    asked: bool = True
    restores: tuple[str, ...] = ()
    restorable: tuple[str, ...] = ()


@dataclass(frozen=True)
class FieldAbout:
    """One argument of a reading or an action: what it means, and in which words its value is written.

    `local` says that it is a path of the worker's host: `read` or `written`; else empty.
    """

    name: str
    about: str
    kind: str
    required: bool = False
    default: str = ""
    secret: bool = False
    local: str = ""

    @property
    def words(self) -> str:
        """`count (whole number): how many instances; else 1`."""
        rest = "needed" if self.required else f"else {self.default}" if self.default else "may be left out"
        secret = ", kept secret" if self.secret else ""
        about = f": {self.about.rstrip('.')}" if self.about else ""
        return f"{self.name} ({self.kind}{secret}){about}; {rest}"


@dataclass(frozen=True)
class DeskEntry:
    """A reading or an action of a provider's desk; with `reason` and no fields, why this platform does not have it."""

    name: str
    about: str = ""
    fields: tuple[FieldAbout, ...] = ()
    destroys: bool = False
    reason: str = ""
    remedy: str = ""

    @property
    def offered(self) -> bool:
        return not self.reason


@dataclass(frozen=True)
class CapabilityAbout:
    """Something that deployments use: offered by this open connection, or why not."""

    name: str
    offered: bool
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class ProviderAbout:
    """What one configured provider can do."""

    name: str
    kind: str
    capabilities: tuple[CapabilityAbout, ...] = ()
    readings: tuple[DeskEntry, ...] = ()
    actions: tuple[DeskEntry, ...] = ()


@dataclass(frozen=True)
class DeskQuestion:
    """Arguments of a reading, by name: JSON of their kind, or text as a command line has it."""

    arguments: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class DeskAnswer:
    """What a platform answered to a reading; plain JSON."""

    provider: str
    reading: str
    value: object = None


@dataclass(frozen=True)
class DeskWish:
    """A change to make by hand. The same `request_id` again is the same change; `agreed` says yes to destroying."""

    arguments: Mapping[str, object] = field(default_factory=dict)
    request_id: str = ""
    agreed: bool = False


@dataclass(frozen=True)
class KeptFile:
    """A file that was sent for a change made by hand, and the path to name it by; it is kept for a day."""

    path: str


@dataclass(frozen=True)
class DeskOperation:
    """How a change made by hand stands: `status` is running, succeeded, failed, cancelled or lost.

    `again` says that the request had been made before, so that nothing new was asked for.
    """

    request_id: str
    provider: str
    action: str
    status: str
    reference: str = ""
    detail: str = ""
    outputs: Mapping[str, object] = field(default_factory=dict)
    again: bool = False


@dataclass(frozen=True)
class DeskChange:
    """A change by hand in a list of them. `status` is as in `DeskOperation`, or `unknown` where no answer is on record.

    `arguments` are JSON without secrets, a long one cut.
    """

    request_id: str
    provider: str
    action: str
    status: str
    asked_at: datetime
    asked_by: Actor
    arguments: str = ""
    detail: str = ""


class Condition(StrEnum):
    """Whether something has to be done about it: no, better soon, before anything works."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `subject` is what it belongs to: host, configuration, worker, or a provider."""

    subject: str
    topic: str
    condition: Condition
    what: str
    remedy: str = ""
    figures: Mapping[str, object] = field(default_factory=dict)
