"""What other systems know of a release while it serves: queries, users' reports, security alerts, crashes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True)
class Sample:
    """One finite value and the time it is of."""

    at: datetime
    value: float


class QuerySource(Protocol):
    """A store of measurements that answers a query with one line."""

    async def fetch_value(self, query: str) -> Sample | None:
        """What it says now; None where nothing is measured (no series, a stale one, not a number).

        Raises:
            Rejected: The query is not understood, or answers with several lines; in the store's own words.
        """
        ...

    async def fetch_series(self, query: str, since: datetime, until: datetime, step: timedelta) -> Sequence[Sample]:
        """One value each `step`, oldest first, at whole multiples of it since 1970; what is not measured is left out.

        The same span asked again has the same times, so that a sample is known by its time.

        Raises:
            Rejected: As above.
        """
        ...


@dataclass(frozen=True)
class UserReport:
    """One thing that somebody reported. `release` or `arm` says of what ran there, as its sender calls it."""

    id: str
    at: datetime
    release: str = ""
    arm: str = ""
    title: str = ""


class ReportSource(Protocol):
    """Where issues of users are counted."""

    async def fetch_reports(self, project: str, releases: Collection[str], since: datetime) -> Sequence[UserReport]:
        """Those since a moment, each once by its id, in no order; also what arrived late.

        Args:
            project: The source's name of what is reported; empty where it knows only one.
            releases: Names under which the two releases may be known; others are nobody's business.
        """
        ...


@dataclass(frozen=True)
class SecurityAlert:
    """An open alert of a commit; `severity` in the platform's word."""

    id: str
    at: datetime | None
    severity: str
    words: str


class AlertSource(Protocol):
    async def fetch_alerts(self, commit: str) -> Sequence[SecurityAlert]:
        """Open alerts that were found in this very commit.

        Raises:
            Rejected: No scanner is on, or none may be seen; silence would look like safety.
        """
        ...


@dataclass(frozen=True)
class Crash:
    """An instance that ended though it was to run. `words` has the platform's reason."""

    id: str
    at: datetime
    words: str


class CrashSource(Protocol):
    async def fetch_crashes(self, target: str, since: datetime) -> Sequence[Crash]: ...


class LimitSource(Protocol):
    async def fetch_limits(self, target: str) -> Mapping[str, float]:
        """What all instances may use at most, by the names of its metrics; what has no limit is left out."""
        ...
