"""What Supabase says without being changed: projects, logs, the account; and figures of a database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta

from console.domain.errors import Rejected
from console.domain.ids import EnvironmentName
from console.domain.telemetry import LogLine, Measurement
from console.migrations.history import fetch_versions
from providers.contract import AccountReport, Target
from providers.database import Database
from providers.supabase.client import SupabaseClient
from providers.supabase.wire import SUSPENDED, Project
from providers.tail import OVERLAP, Entry, Numbering, follow

LONGEST_RANGE = timedelta(hours=24)
FOLLOW_EVERY_S = 10.0
LINES_A_LOOK = 1000
FIGURES = """
select (select count(*) from pg_stat_activity where backend_type = 'client backend') as db_connections,
       current_setting('max_connections')::int as db_max_connections,
       pg_database_size(current_database()) as db_size_bytes,
       (select count(*) from pg_stat_activity
        where state = 'active' and pid <> pg_backend_pid() and datname = current_database()) as db_active_queries
"""


class Inventory:
    """Projects as targets. Only a single one is asked for the health of its services: each question counts."""

    def __init__(self, client: SupabaseClient) -> None:
        self._client = client

    async def fetch_target(self, target: str) -> Target:
        project = await self._client.fetch_project(target)
        if project.status in SUSPENDED:
            return _target(project, project.status)
        ill = [one for one in await self._client.fetch_health(target) if not one.healthy]
        words = ", ".join(f"{one.name}: {one.words}" for one in ill)
        return _target(project, " · ".join(part for part in (project.status, words) if part))

    async def fetch_targets(self) -> Sequence[Target]:
        return [_target(project, project.status) for project in await self._client.fetch_projects()]


def _target(project: Project, detail: str) -> Target:
    return Target(project.ref, project.name, "database", suspended=project.status in SUSPENDED, detail=detail)


class Account:
    """Whose token it is: tokens of Supabase see organizations, and have no scopes. What it lacks is a project."""

    def __init__(self, client: SupabaseClient, needed: Sequence[str]) -> None:
        self._client = client
        self._needed = tuple(needed)

    async def fetch_account(self) -> AccountReport:
        organizations = await self._client.fetch_organizations()
        seen = {project.ref for project in await self._client.fetch_projects()}
        http = self._client.http
        return AccountReport(
            identity=f"organization {', '.join(organizations)}" if organizations else "no organization",
            missing_scopes=tuple(f"project {ref}" for ref in self._needed if ref not in seen),
            limits=http.describe_limits(),
            clock_skew=http.skew,
        )


class Logs:
    """The database's own log, at most a day back. Supabase has no tail, so following looks again and again."""

    def __init__(self, client: SupabaseClient) -> None:
        self._client = client

    async def fetch_logs(self, target: str, since: datetime, until: datetime, limit: int = 500) -> Sequence[LogLine]:
        start = max(since, until - LONGEST_RANGE)
        return Numbering(target).lines(await self._client.fetch_logs(target, start, until, limit))

    async def follow_logs(self, target: str, since: datetime) -> AsyncIterator[LogLine]:
        http = self._client.http

        async def fetch(start: datetime) -> Sequence[Entry]:
            end = http.platform_time(http.clock()) + OVERLAP
            return await self._client.fetch_logs(target, max(start, end - LONGEST_RANGE), end, LINES_A_LOOK)

        async for line in follow(target, http.platform_time(since), fetch, http.sleep, FOLLOW_EVERY_S):
            yield line


class Databases:
    """The configured databases, by the ref of their project."""

    def __init__(self, provider: str, known: Mapping[str, Database]) -> None:
        self._provider = provider
        self._known = known

    def find_or_none(self, ref: str) -> Database | None:
        return self._known.get(ref)

    def find(self, ref: str) -> Database:
        """Raises Rejected for a project without an address."""
        found = self._known.get(ref)
        if found is None:
            raise Rejected(
                self._provider,
                f"No database address is configured for the Supabase project {ref!r}.",
                f"project {ref}",
                "Set database_url of its service: a reference to a postgresql:// address on port 5432.",
            )
        return found


class Figures:
    """`MetricSource` over SQL, and `MigrationSource`."""

    def __init__(self, databases: Databases, client: SupabaseClient) -> None:
        self._databases = databases
        self._http = client.http

    async def fetch_metrics(self, target: str) -> Sequence[Measurement]:
        async with self._databases.find(target).connect() as connection:
            row = await (await connection.execute(FIGURES)).fetchone()
        names = ("db_connections", "db_max_connections", "db_size_bytes", "db_active_queries")
        at = self._http.clock()
        return [
            Measurement(at, EnvironmentName(""), name, float(value), {"service": target})
            for name, value in zip(names, row or (), strict=False)
            if value is not None
        ]

    async def fetch_applied(self, target: str) -> Sequence[str]:
        async with self._databases.find(target).connect() as connection:
            return await fetch_versions(connection)
