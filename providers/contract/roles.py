"""What can be read of a platform: one role each, with the values it answers with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from console.domain.release import Release
    from console.domain.telemetry import LogLine, Measurement
    from console.domain.verdict import Verdict


@dataclass(frozen=True)
class PlatformStage:
    """A stage of the platform's own: `percent` of visitors for `lasts`, or until somebody approves the next (None)."""

    percent: int
    lasts: timedelta | None


@dataclass(frozen=True)
class Target:
    """One thing of the platform that can be deployed to, as the platform reports it now.

    `live` is what serves there (empty for nothing), `live_deployment` the platform's id of it, `url` where it answers.
    `stages` are those through which the platform leads visitors to what is promoted; empty where all move at once.
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
    stages: tuple[PlatformStage, ...] = ()


class Inventory(Protocol):
    async def fetch_target(self, target: str) -> Target:
        """Raises Rejected for a target that the platform does not know."""
        ...

    async def fetch_targets(self) -> Sequence[Target]: ...


class ReleaseShelf(Protocol):
    """What a platform keeps of earlier deployments."""

    async def find_obstacle(self, target: str, deployment: str) -> str:
        """Why the target cannot return to that deployment, or may not, as a sentence; empty when it can."""
        ...


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


@dataclass(frozen=True)
class NameRecord:
    """One value of a DNS name, and for how many seconds resolvers may keep it; None where the platform does not say."""

    value: str
    ttl: int | None


class NameSource(Protocol):
    async def fetch_names(self, domain: str, name: str, kind: str) -> Sequence[NameRecord]:
        """What its name servers answer now; nothing for a name without such a record."""
        ...


class Router(Protocol):
    """The edge: how it divides requests now."""

    async def fetch_weights(self, route: str) -> Mapping[str, int]:
        """Whole percent by arm, as the router itself shows them."""
        ...

    async def fetch_run(self, route: str) -> str:
        """Which reading of its own configuration the router is in: another one after a restart or a reload.

        Changes of weights leave it as it is. Empty where the router cannot tell.
        """
        ...

    async def fetch_sticky(self, route: str) -> str:
        """What keeps visitors at the arm that they first had, in words; empty for nothing. Shares then move slowly."""
        ...


class UnderwaySource(Protocol):
    """What must end before an arm can be stopped without breaking off an answer."""

    async def fetch_underway(self, route: str) -> Mapping[str, int]:
        """Requests by arm that the router has sent there and that are not answered yet."""
        ...


class CounterSource(Protocol):
    """What each arm answered, counted by the router. Not every router that divides by weights counts well enough."""

    async def fetch_counters(self, route: str) -> Mapping[str, ArmCounters]: ...


@dataclass(frozen=True)
class ProbeRequest:
    """One HTTP question. `expect_text` must appear in the body where given."""

    url: str
    method: str = "GET"
    expect_status: int = 200
    expect_text: str = ""
    timeout: timedelta = timedelta(seconds=5)
    headers: Mapping[str, str] = field(default_factory=dict)


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
class Page:
    """Whether visitors of a place are shown a page instead of what runs there. `cannot` says why it can have none."""

    on: bool = False
    cannot: str = ""


class PageSource(Protocol):
    async def fetch_page(self, target: str) -> Page:
        """Raises Rejected for a target that the platform does not know."""
        ...


@dataclass(frozen=True)
class ApiKey:
    """A key that the platform issued. `kind` is the platform's word; the value shows itself to nobody by accident."""

    id: str
    name: str
    kind: str
    value: str = field(repr=False)


class KeySource(Protocol):
    """Keys that can be made and deleted with the desk's actions `create-api-key` and `delete-api-key`."""

    async def fetch_keys(self, target: str) -> Sequence[ApiKey]:
        """Every key of a place, with its value."""
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
