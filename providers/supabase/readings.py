"""What Supabase says without being changed: projects, logs, the account."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from console.domain.telemetry import LogLine
from providers.contract import AccountReport, Target
from providers.supabase.wire import SUSPENDED, Project
from providers.tail import OVERLAP, Entry, Numbering, follow

if TYPE_CHECKING:
    from providers.supabase.client import SupabaseClient

LONGEST_RANGE = timedelta(hours=24)
FOLLOW_EVERY_S = 10.0
LINES_A_LOOK = 1000


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
