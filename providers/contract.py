"""What a platform can do for Quarterdeck, and how it is asked.

A connection answers with `Capabilities`: one field for each thing a provider may do, holding either the object that
does it or `Unsupported(reason, remedy)`. No method exists only to raise.

Everything that changes the world is an `Actuator` with three verbs: `start`, `observe`, `find`. Its laws, run on
every provider by one suite: the same key twice has one effect, also when the first reply was lost; `find` tells the
truth, also from a new connection; an ended operation stays ended; an unknown reference is LOST, not an exception;
each kind of bad answer becomes its own error; no secret appears in any text.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from console.domain.observations import LogLine, Measurement
from console.domain.release import Release
from console.domain.verdict import Verdict


class OperationStatus(StrEnum):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"

    @property
    def is_terminal(self) -> bool:
        return self is not OperationStatus.RUNNING


@dataclass(frozen=True)
class OperationKey:
    """Our name for one wish, on disk before the call.

    `intended_at` is our clock's time of that writing. Platforms without an idempotency key are searched for what was
    made since then; an adapter corrects it by the difference between the platform's `Date` header and our clock.
    """

    text: str
    intended_at: datetime

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Operation:
    """What a platform says about one thing it was asked.

    Args:
        reference: The platform's own id, enough for `observe` on a new connection.
        detail: One line for a person: the platform's own status, or the reason of a failure in its words.
        outputs: What later steps or the undo need (`{"previous": "dep-…", "url": "https://…"}`); JSON types only.
        poll_after: When to look again, where the platform has a rhythm; None leaves it to the caller.
    """

    reference: str
    status: OperationStatus
    detail: str = ""
    outputs: Mapping[str, object] = field(default_factory=dict)
    poll_after: timedelta | None = None


# --- requests ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Deploy:
    """Build and start `release` on the platform's service `target`.

    With `serve` false the result must not get production traffic (a staged deployment), where the platform can.
    """

    target: str
    release: Release
    serve: bool = True


@dataclass(frozen=True)
class Cancel:
    """Stop an operation that `deploy` began. Cancelling what has ended succeeds and changes nothing."""

    target: str
    reference: str


@dataclass(frozen=True)
class Promote:
    """Give production traffic to a deployment that exists already, without building it again."""

    target: str
    deployment: str


@dataclass(frozen=True)
class RollBack:
    """Return `target` to an earlier deployment. Auto-deploy is held off by the adapter where a push would undo it."""

    target: str
    deployment: str


@dataclass(frozen=True)
class Suspend:
    target: str


@dataclass(frozen=True)
class Resume:
    target: str


@dataclass(frozen=True)
class MigrationFile:
    """One schema change: `<stamp>_<name>.sql`, with its `.down.sql` where there is one."""

    version: str
    name: str
    sql: str
    down: str = ""


@dataclass(frozen=True)
class Migrate:
    """Apply the files that the database does not list yet, oldest first, each in one transaction."""

    target: str
    files: tuple[MigrationFile, ...]


@dataclass(frozen=True)
class MigrateDown:
    """Take back the versions named, newest first, by their down scripts."""

    target: str
    files: tuple[MigrationFile, ...]


@dataclass(frozen=True)
class ShiftTraffic:
    """Set the weights of a route: whole percent by arm, summing to 100."""

    route: str
    weights: Mapping[str, int]


@dataclass(frozen=True)
class Announce:
    """Tell the source platform about a deployment: that it began, or how it ended.

    `state` is one of in_progress, success, failure, error, inactive. The first call opens the announcement and its
    reference is passed back in `announcement` by the later ones.
    """

    environment: str
    release: Release
    state: str
    description: str = ""
    announcement: str = ""
    production: bool = False


@dataclass(frozen=True)
class SetVariables:
    """Set environment variables one by one, never replacing the list; None removes one."""

    target: str
    variables: Mapping[str, str | None]
    environment: str = "production"


Request = TypeVar("Request", contravariant=True)


class Actuator(Protocol, Generic[Request]):
    """The one way to change something."""

    async def start(self, request: Request, key: OperationKey) -> Operation:
        """Begin, or return what the same key began before. Does not wait for the end."""
        ...

    async def observe(self, reference: str) -> Operation:
        """Say how it stands. An unknown reference is LOST; an ended operation stays ended."""
        ...

    async def find(self, request: Request, key: OperationKey) -> Operation | None:
        """After a crash between the call and its record: did that happen? None means it did not."""
        ...


# --- reading ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Target:
    """One thing of the platform that can be deployed to, as the platform reports it now.

    `live` is what serves there (empty for nothing), `live_deployment` the platform's id of it, `url` where it answers.
    """

    id: str
    name: str
    kind: str
    live: str = ""
    live_deployment: str = ""
    url: str = ""
    suspended: bool = False
    auto_deploy: bool | None = None
    instances: int | None = None
    detail: str = ""


class Inventory(Protocol):
    async def fetch_target(self, target: str) -> Target:
        """Raises Rejected for a target that the platform does not know."""
        ...

    async def fetch_targets(self) -> Sequence[Target]: ...


class ReleaseSource(Protocol):
    """Where releases come from: names to commits, files at a commit, what differs between two."""

    async def fetch_release(self, reference: str) -> Release:
        """Resolve a tag, branch or commit. Raises Rejected when there is no such thing."""
        ...

    async def fetch_files(self, commit: str, directory: str) -> Mapping[str, str]:
        """Text of every file directly in the directory at that commit; an absent directory is empty."""
        ...

    async def fetch_changes(self, base: str, head: str) -> Sequence[Release]:
        """Commits in head that base lacks, oldest first."""
        ...


class TagSource(Protocol):
    async def fetch_tags(self) -> Mapping[str, str]:
        """Names of commits: the commit to its tag. Where there are very many, the platform's first page suffices."""
        ...


class CheckSource(Protocol):
    async def fetch_verdict(self, commit: str) -> Verdict:
        """Checks *and* statuses of a commit as one answer; nothing to check is *not run*."""
        ...


class MigrationSource(Protocol):
    async def fetch_applied(self, target: str) -> Sequence[str]:
        """Versions that the database lists as applied, oldest first."""
        ...


class LogSource(Protocol):
    async def fetch_logs(self, target: str, since: datetime, until: datetime, limit: int = 500) -> Sequence[LogLine]:
        """Oldest first."""
        ...

    def follow_logs(self, target: str, since: datetime) -> AsyncIterator[LogLine]:
        """Lines as they come, each once, for as long as the caller listens; survives a dropped connection."""
        ...


class MetricSource(Protocol):
    async def fetch_metrics(self, target: str) -> Sequence[Measurement]:
        """Current figures; names as in `console.watch.metrics`. Missing figures are left out, never zero."""
        ...


@dataclass(frozen=True)
class ArmCounters:
    """Running totals of one arm since its router last restarted counting.

    `latency_buckets` maps an upper bound in seconds to the number of requests at or below it (cumulative, with
    infinity last). Totals fall when the router begins anew; the reader treats a fall as a new run.
    """

    requests: int
    errors: int
    latency_sum: float
    latency_buckets: Mapping[float, int] = field(default_factory=dict)


class Router(Protocol):
    """The edge: weights as they are, and what each arm answered."""

    async def fetch_weights(self, route: str) -> Mapping[str, int]: ...

    async def fetch_counters(self, route: str) -> Mapping[str, ArmCounters]: ...


@dataclass(frozen=True)
class ProbeRequest:
    """One HTTP question. `expect_text` must appear in the body where given."""

    url: str
    method: str = "GET"
    expect_status: int = 200
    expect_text: str = ""
    timeout: timedelta = timedelta(seconds=5)


@dataclass(frozen=True)
class ProbeResult:
    """`latency` is seconds until the whole answer was read."""

    ok: bool
    latency: float
    status: int | None = None
    reason: str = ""


class ProbeSource(Protocol):
    async def probe(self, request: ProbeRequest) -> ProbeResult:
        """Never raises for a bad answer: that is a result."""
        ...


class VariableSource(Protocol):
    async def fetch_variables(self, target: str, environment: str = "production") -> Mapping[str, str | None]:
        """Names and values; None where the platform keeps a value to itself."""
        ...


@dataclass(frozen=True)
class AccountReport:
    """What `doctor` shows: who the token is, what it may do, and how much of each limit is left."""

    identity: str
    scopes: tuple[str, ...] = ()
    missing_scopes: tuple[str, ...] = ()
    limits: Mapping[str, str] = field(default_factory=dict)
    clock_skew: timedelta | None = None


class Account(Protocol):
    async def fetch_account(self) -> AccountReport:
        """Raises Unauthorized for a token that does not work."""
        ...


# --- the connection ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Unsupported:
    """A thing this provider does not do, why, and what to do instead."""

    reason: str
    remedy: str = ""


NOT_OFFERED = Unsupported("This kind of provider does not offer it.")


@dataclass(frozen=True)
class Capabilities:
    """What this open connection can do. Plans and access differ, so two connections of a kind may differ too."""

    account: Account | Unsupported = NOT_OFFERED
    inventory: Inventory | Unsupported = NOT_OFFERED
    releases: ReleaseSource | Unsupported = NOT_OFFERED
    tags: TagSource | Unsupported = NOT_OFFERED
    checks: CheckSource | Unsupported = NOT_OFFERED
    migrations: MigrationSource | Unsupported = NOT_OFFERED
    logs: LogSource | Unsupported = NOT_OFFERED
    metrics: MetricSource | Unsupported = NOT_OFFERED
    router: Router | Unsupported = NOT_OFFERED
    probes: ProbeSource | Unsupported = NOT_OFFERED
    variables: VariableSource | Unsupported = NOT_OFFERED
    deploy: Actuator[Deploy] | Unsupported = NOT_OFFERED
    cancel: Actuator[Cancel] | Unsupported = NOT_OFFERED
    promote: Actuator[Promote] | Unsupported = NOT_OFFERED
    roll_back: Actuator[RollBack] | Unsupported = NOT_OFFERED
    suspend: Actuator[Suspend] | Unsupported = NOT_OFFERED
    resume: Actuator[Resume] | Unsupported = NOT_OFFERED
    migrate: Actuator[Migrate] | Unsupported = NOT_OFFERED
    migrate_down: Actuator[MigrateDown] | Unsupported = NOT_OFFERED
    shift_traffic: Actuator[ShiftTraffic] | Unsupported = NOT_OFFERED
    announce: Actuator[Announce] | Unsupported = NOT_OFFERED
    set_variables: Actuator[SetVariables] | Unsupported = NOT_OFFERED


class Connection(Protocol):
    """An open provider: its name in the configuration, its kind, what it can do."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    async def close(self) -> None: ...
